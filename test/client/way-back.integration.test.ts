// How a client that worked on xLink gets back to its key, and how nobody on the way gets it there.
import { describe, expect, test } from '@jest/globals';
import { Agent, createKeyRecord, type FallbackEvent, MemoryTrustRegistry } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { unwrap } from '../support/results.js';
import { type HeldAnswer, type HeldRequest, ManInTheMiddle, type Rule } from './man-in-the-middle.js';
import { fetchFor, idOfRejection, KEY, postJson, rejection, serveApi } from './support.js';

const DOCUMENT = '/.well-known/xlink.json';
const pay = () => postJson({ amount: 1 });

/** A service with two identities in turn, somebody before it, and a client that has worked on xLink there. */
async function proven() {
  const registry = new MemoryTrustRegistry();
  const [first, second] = [await identityOf('way back, first'), await identityOf('way back, second')];
  unwrap(await registry.register({ did: first.did, keys: await createKeyRecord(first) }));
  const agent = new Agent({ identity: first, registry });
  const api = await serveApi({ agent });
  const man = await ManInTheMiddle.before(api.url);
  const caller = await Agent.quickstart();
  const events: FallbackEvent[] = [];
  let laterMs = 0;
  const fetch = fetchFor(man.url, {
    agent: caller,
    clock: () => Date.now() + laterMs,
    onFallback: (event) => void events.push(event),
  });
  expect((await fetch('/pay', pay())).headers.get('xlink-sealed')).toBe('true');
  man.seen.length = 0;
  api.handled.length = 0;
  return {
    ...{ api, man, caller, events, fetch, registry, agent, first, second },
    /** The client reads the document again before its next request. */
    later: () => void (laterMs += 170_000),
  };
}

type Proven = Awaited<ReturnType<typeof proven>>;

function expectKeyKept({ man, events, api }: Proven, handled: readonly string[] = []) {
  expect([man.saw(KEY), events, api.handled]).toEqual([false, [], handled]);
}

const nonceOf = ({ body }: HeldRequest): string => JSON.parse(body.toString()).nonce;

describe('at a service that has proven itself, the key comes back', () => {
  test('on a refusal that its DID signed', async () => {
    const { api, fetch, events } = await proven();
    api.adapter.setMode('observe');
    expect(await (await fetch('/pay', pay())).json()).toMatchObject({ mode: 'api-key' });
    expect(events.map(({ reason }) => reason)).toEqual(['refused']);
    expect(api.handled).toEqual(['POST /pay']);
  });

  test('on a refusal that its successor signed, once that is known', async () => {
    const { api, agent, second, fetch, events, later } = await proven();
    unwrap(await agent.succeedBy(second));
    later();
    expect((await fetch('/pay', pay())).headers.get('xlink-sealed')).toBe('true');
    api.adapter.setMode('observe', undefined, { route: { path: '/pay' } }); // of which the document says nothing
    expect(await (await fetch('/pay', pay())).json()).toMatchObject({ mode: 'api-key' });
    expect(events.map(({ reason }) => reason)).toEqual(['refused']);
  });

  test('on a newer document in which its successor says that keys decide', async () => {
    const { api, agent, second, fetch, events, later } = await proven();
    unwrap(await agent.succeedBy(second));
    api.adapter.setMode('observe');
    later();
    expect(await (await fetch('/pay', pay())).json()).toMatchObject({ mode: 'api-key' });
    expect(events.map(({ reason }) => reason)).toEqual(['observe']);
  });
});

describe('and on nothing else:', () => {
  test('a refusal that was withheld, shown to a later request [B1]', async () => {
    const world = await proven();
    const { api, man, fetch } = world;
    api.adapter.setMode('observe', undefined, { route: { path: '/old' } });
    const held: HeldAnswer[] = [];
    man.at('/old', async (_, forward) => void held.push(await forward()));
    await rejection(fetch('/old', pay()));
    expect(held[0]).toMatchObject({ status: 415, headers: { 'content-type': 'application/xlink-envelope' } });
    for (const path of ['/old', '/pay']) {
      man.at(path, () => held[0]);
      expect(await idOfRejection(fetch(path, pay()))).toBe('ANSWER_INVALID');
    }
    expectKeyKept(world);
  });

  const spoiled: [string, string, (answer: HeldAnswer) => object][] = [
    [
      'taken out of its envelope',
      'ANSWER_INVALID:NOT_SEALED',
      ({ body }) => ({
        headers: { 'content-type': 'application/problem+json' },
        body: Buffer.from(JSON.parse(body.toString()).payload, 'base64url'),
      }),
    ],
    ['under another status', 'ANSWER_INVALID', () => ({ status: 403 })],
    [
      'whose signature was changed',
      'ANSWER_INVALID',
      ({ body }) => ({ body: body.toString().replace(/"signature":"..../, '"signature":"AAAA') }),
    ],
    [
      'dated anew',
      'ANSWER_INVALID',
      ({ body }) => ({ body: body.toString().replace(/(?<="timestamp":)\d+/, String(Date.now() + 1000)) }),
    ],
  ];
  test.each(spoiled)('a refusal of this very request, %s [B1]', async (_, id, change) => {
    const world = await proven();
    world.api.adapter.setMode('observe', undefined, { route: { path: '/pay' } });
    world.man.at('/pay', async (__, forward) => {
      const answer = await forward();
      return { ...answer, ...change(answer) };
    });
    expect(await idOfRejection(world.fetch('/pay', pay()))).toBe(id);
    expectKeyKept(world);
  });

  /** Whoever has this identity, and the connection, refuses a request that was carried out. */
  const refusing =
    ({ registry, caller }: Proven, identity: Proven['first']): Rule =>
    async (request, forward) => {
      await forward();
      const claimed = {
        ...{ sender: caller.did, scope: '*', envelopeId: nonceOf(request) },
        request: `${request.method} ${request.path}`,
      };
      const refused = { type: 'about:blank', code: 'XLINK_NOT_SUPPORTED', status: 415 };
      const envelope = await new Agent({ identity, registry }).createRefusal(claimed, refused);
      const headers = { 'content-type': 'application/xlink-envelope' };
      return { status: 415, headers, body: JSON.stringify(envelope) };
    };

  test('a refusal that another DID signed, though the client knows it', async () => {
    const world = await proven();
    const other = await identityOf('way back, another service');
    unwrap(await world.registry.register({ did: other.did, keys: await createKeyRecord(other) }));
    await world.caller.adoptService(await createKeyRecord(other));
    world.man.at('/pay', refusing(world, other));
    expect(await idOfRejection(world.fetch('/pay', pay()))).toBe('ANSWER_INVALID');
    expectKeyKept(world, ['POST /pay']);
  });

  test('a refusal by the stolen seed of a DID that was succeeded', async () => {
    const world = await proven();
    const { agent, first, second, fetch, later, man, api } = world;
    unwrap(await agent.succeedBy(second));
    later();
    expect((await fetch('/pay', pay())).headers.get('xlink-sealed')).toBe('true');
    man.seen.length = api.handled.length = 0;
    man.at('/pay', refusing(world, first));
    expect(await idOfRejection(fetch('/pay', pay()))).toBe('ANSWER_INVALID');
    expectKeyKept(world, ['POST /pay']);
  });

  test('an observe document of the DID that was succeeded, shown to a client that has followed [B4]', async () => {
    const world = await proven();
    const { agent, second, fetch, later, man, api } = world;
    api.adapter.setMode('observe');
    const old = await (await globalThis.fetch(man.url + DOCUMENT)).text();
    api.adapter.setMode('hybrid');
    unwrap(await agent.succeedBy(second));
    later();
    expect((await fetch('/pay', pay())).headers.get('xlink-sealed')).toBe('true');
    later();
    man.seen.length = api.handled.length = 0;
    man.at(DOCUMENT, () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: old }));
    expect(await idOfRejection(fetch('/pay', pay()))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
    expectKeyKept(world);
  });
});
