// Discovery, sealed answers and signed refusals: the package with a second implementation, written from docs/PROTOCOL.md alone.
import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { DualModeAdapter, discover, isXlinkError, xlinkFetch } from '@private.me/xlink';
import express from 'express';
import { listen } from '../support/listen.js';
import * as second from './second/index.mjs';
import { world } from './support.js';

const ACCEPT = { Accept: 'application/xlink-answer' };
const ORIGIN = 'https://api.example';
/** More than four chunks. */
const LARGE = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => i % 251));
const tick = () => new Promise((resolve) => setImmediate(resolve));
const PATH = '/.well-known/xlink.json';

const textOf = async ({ body }: { body?: AsyncIterable<Uint8Array> }) =>
  Buffer.from(await second.readBody(body!)).toString();

/** Frames as the body of a response; `isCut`: the last one does not come. */
function streamOf(frames: AsyncIterable<Uint8Array>, isCut: boolean): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      const all: Uint8Array[] = [];
      for await (const frame of frames) all.push(frame);
      for (const frame of isCut ? all.slice(0, -1) : all) controller.enqueue(frame);
      controller.close();
    },
  });
}

/** An API of the package, and a caller of the second implementation that it knows. */
async function api(version: 1 | 2 | 3 = 3) {
  const { agent, peer } = world();
  const adapter = new DualModeAdapter({
    agent: await agent(3),
    mode: 'hybrid',
    legacyKeyValidator: () => null,
    publicPaths: ['/health', '/docs/*'],
  });
  const app = express().use(adapter.middleware(), express.json());
  app.post('/orders', (req, res) => void res.status(201).json({ got: req.body }));
  app.delete('/orders', (_req, res) => void res.status(204).end());
  app.get('/events', async (_req, res) => {
    res.type('text/event-stream').flushHeaders();
    for (const n of [1, 2, 3]) {
      await new Promise((resolve) => res.write(`data: ${n}\n\n`, resolve));
      await tick();
    }
    res.end();
  });
  app.get(
    '/export',
    (_req, res) => void res.append('Set-Cookie', 'a=1').append('Set-Cookie', 'b=2').send(LARGE),
  );
  app.get('/cut', (_req, res) => void res.write('begun', () => res.destroy()));
  const { url } = await listen(createServer(app));
  const document = await (await fetch(url + PATH)).json();
  return { url, adapter, document, caller: await peer(version), now: Date.now() };
}

describe('the second implementation calls an API of the package', () => {
  test.each([1, 2, 3] as const)(
    'finds it, and opens its answers, with keys for version %i',
    async (version) => {
      const { url, document, caller, now } = await api(version);
      const found = second.checkDiscovery(document, { origin: url, now });
      expect(found).toMatchObject({ publicPaths: ['/health', '/docs/*'], acceptsEnvelopes: true });
      caller.adopt(found.keyRecord);
      const call = { headers: ACCEPT };
      const sent = await second.sendBodyForm(
        caller,
        found.did,
        'POST',
        `${url}/orders?x=1`,
        '*',
        { n: 1 },
        call,
      );
      expect(sent.text).not.toContain('"got"');
      const answer = await second.openAnswer(caller, found.did, sent.sent, sent);
      expect([answer.status, await textOf(answer)]).toEqual([201, '{"got":{"n":1}}']);
      expect(answer.headers).toContainEqual(['x-powered-by', 'Express']);
      expect(sent.headers['x-powered-by']).toBeUndefined();
      expect(answer.contentType).toMatch(/^application\/json/);
      const deleted = await second.sendHeaderForm(caller, found.did, 'DELETE', `${url}/orders`, '*', call);
      expect(deleted.status).toBe(200);
      expect(await second.openAnswer(caller, found.did, deleted.sent, deleted)).toMatchObject({
        status: 204,
      });
      // an answer is good once, for its own request
      const again = second.openAnswer(caller, found.did, deleted.sent, deleted);
      expect(await second.outcome(again)).toBe('ANSWER_INVALID');
      const swapped = await second.sendHeaderForm(caller, found.did, 'DELETE', `${url}/orders`, '*', call);
      const other = { ...swapped.sent, nonce: sent.sent.nonce };
      expect(await second.outcome(second.openAnswer(caller, found.did, other, swapped))).toBe(
        'ANSWER_INVALID',
      );
    },
  );

  test.each([1, 2, 3] as const)(
    'reads a download and events in chunks, with keys for version %i; what breaks off is broken',
    async (version) => {
      const { url, document, caller, now } = await api(version);
      const { did, keyRecord } = second.checkDiscovery(document, { origin: url, now });
      caller.adopt(keyRecord);
      const call = { headers: ACCEPT };
      const get = async (path: string) => {
        const sent = await second.sendHeaderForm(caller, did, 'GET', url + path, '*', call);
        return second.openAnswer(caller, did, sent.sent, sent);
      };
      const download = await get('/export');
      expect(LARGE.equals(await second.readBody(download.body!))).toBe(true);
      const values = (wanted: string) =>
        download.headers!.flatMap(([name, value]) => (name === wanted ? [value] : []));
      expect([values('set-cookie'), values('content-length')]).toEqual([['a=1', 'b=2'], ['300000']]);
      const events = await get('/events');
      expect(events.contentType).toMatch(/^text\/event-stream/);
      expect(await textOf(events)).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
      const cut = second.sendHeaderForm(caller, did, 'GET', `${url}/cut`, '*', call);
      await expect(cut).rejects.toThrow(/aborted|hang up/);
    },
  );

  test('reads a refusal that is signed because its nonce was claimed, and tells one that is not', async () => {
    const { url, adapter, document, caller, now } = await api();
    const { did, keyRecord } = second.checkDiscovery(document, { origin: url, now });
    caller.adopt(keyRecord);
    const call = { headers: ACCEPT };
    adapter.setMode('observe');
    const refused = await second.sendBodyForm(caller, did, 'POST', `${url}/orders`, '*', 1, call);
    expect(refused.status).toBe(415);
    const { refusal } = await second.openAnswer(caller, did, refused.sent, refused);
    expect(refusal).toMatchObject({ code: 'XLINK_NOT_SUPPORTED', status: 415, authMethod: 'xlink' });
    adapter.setMode('hybrid');
    const unbound = await second.sendBodyForm(caller, did, 'POST', `${url}/orders`, '*', 1, {
      ...call,
      target: '/other',
    });
    expect(unbound.error).toBe('REQUEST_BINDING_MISMATCH');
    const opened = second.openAnswer(caller, did, unbound.sent, unbound);
    expect(await second.outcome(opened)).toBe('ANSWER_INVALID:NOT_SEALED');
  });
});

describe('a document of the second implementation', () => {
  const id = second.identityFromSeed(new Uint8Array(32).fill(77), 3);
  const whole = () => {
    const issuedAt = Date.now();
    return {
      did: id.did,
      name: 'Zweite ☃',
      keyRecord: second.createRecord(id),
      versions: [2, 3],
      mode: 'hybrid',
      acceptsEnvelopes: true,
      hosts: ['api.example', 'api.example:8443'],
      endpoints: { key: '/k', enroll: '/e?x=1', later: '/l' },
      publicPaths: ['/health', '/docs/*'],
      issuedAt,
      notAfter: issuedAt + 300_000,
      notYetKnown: true,
    };
  };
  const byPackage = async (document: object, more: { pinnedDid?: string } = {}): Promise<string> => {
    try {
      await discover(ORIGIN, { fetch: async () => Response.json(document), ...more });
      return 'accepted';
    } catch (error) {
      if (isXlinkError(error)) return error.id;
      throw error;
    }
  };
  const bySecond = (document: object, more: { pinned?: string } = {}) =>
    second.outcome(
      (async () =>
        second.checkDiscovery(document, { origin: ORIGIN, now: Date.now(), ...more }))() as Promise<unknown>,
    );
  const both = async (document: object) => [await byPackage(document), await bySecond(document)];
  const bothPinned = async (did: string, document: object) => [
    await byPackage(document, { pinnedDid: did }),
    await bySecond(document, { pinned: did }),
  ];
  const twice = (outcome: string) => [outcome, outcome];
  const INVALID = 'DISCOVERY_FAILED:INVALID';

  test('is taken by both', async () => {
    expect(await both(second.signDiscovery(id, whole()))).toEqual(twice('accepted'));
    const { name: _, ...nameless } = whole();
    const short = { ...nameless, endpoints: {}, publicPaths: [], acceptsEnvelopes: false };
    expect(await both(second.signDiscovery(id, short))).toEqual(twice('accepted'));
  });

  const other = second.identityFromSeed(new Uint8Array(32).fill(78), 3);
  const CHANGES: [string, object][] = [
    ['name', { name: 'Zweite' }],
    ['versions', { versions: [3] }],
    ['mode', { mode: 'observe' }],
    ['acceptsEnvelopes', { acceptsEnvelopes: false }],
    ['hosts', { hosts: ['api.example'] }],
    ['an endpoint', { endpoints: { key: '/k2', enroll: '/e?x=1', later: '/l' } }],
    ['an endpoint that is not known', { endpoints: { key: '/k', enroll: '/e?x=1' } }],
    ['publicPaths', { publicPaths: ['/health', '/*'] }],
    ['issuedAt', { issuedAt: Date.now() - 1000 }],
    ['notAfter', { notAfter: Date.now() + 299_000 }],
    ['another record of its own', { keyRecord: second.createRecord(id, 1_900_000_000) }],
    ['its ML-DSA signature', { pqSignature: undefined }],
    [
      'the ML-DSA signature of another',
      {
        pqSignature: second.signDiscovery(other, {
          ...whole(),
          did: other.did,
          keyRecord: second.createRecord(other),
        })['pqSignature'],
      },
    ],
    ['its Ed25519 signature', { signature: undefined }],
    ['its DID, with its record', { did: other.did, keyRecord: second.createRecord(other) }],
  ];
  test.each(CHANGES)('is refused by both once %s was changed', async (_, change) => {
    expect(await both({ ...second.signDiscovery(id, whole()), ...change })).toEqual(twice(INVALID));
  });

  const SIGNED: [string, object, string][] = [
    ['other hosts', { hosts: ['other.example', 'api.example:8443'] }, 'DISCOVERY_FAILED:OTHER_HOST'],
    [
      'of yesterday',
      { issuedAt: Date.now() - 86_400_000, notAfter: Date.now() - 86_100_000 },
      'DISCOVERY_FAILED:EXPIRED',
    ],
    [
      'of tomorrow',
      { issuedAt: Date.now() + 86_400_000, notAfter: Date.now() + 86_700_000 },
      'DISCOVERY_FAILED:EXPIRED',
    ],
    ['good for too long', { notAfter: Date.now() + 900_000 }, INVALID],
    ['of no version', { versions: [] }, INVALID],
    ['an endpoint elsewhere', { endpoints: { enroll: '//evil.example/e' } }, INVALID],
    ['no hosts', { hosts: [] }, INVALID],
    ['another mode', { mode: 'open' }, INVALID],
  ];
  test.each(SIGNED)('is refused by both: %s', async (_, change, outcome) => {
    expect(await both(second.signDiscovery(id, { ...whole(), ...change }))).toEqual(twice(outcome));
  });

  test('of a DID that took the place of the pinned one is taken by both, and of no other', async () => {
    const [old, middle] = [79, 80].map((byte) =>
      second.identityFromSeed(new Uint8Array(32).fill(byte), byte === 79 ? 3 : 2),
    ) as [second.SecondIdentity, second.SecondIdentity];
    const made = { issuedAt: Date.now() - 86_400_000, overlapMs: 0 };
    const chain = [second.createSuccession(old, middle, made), second.createSuccession(middle, id, made)];
    const moved = second.signDiscovery(id, { ...whole(), succession: chain });
    for (const { did } of [old, middle, id]) expect(await bothPinned(did, moved)).toEqual(twice('accepted'));
    expect(await both(moved)).toEqual(twice('accepted'));
    expect(await bothPinned(other.did, moved)).toEqual(twice('DISCOVERY_FAILED:OTHER_IDENTITY'));
    expect(await both({ ...moved, succession: undefined })).toEqual(twice(INVALID));
    const forged = { ...chain[0], fromSignature: chain[1]!['fromSignature'] };
    const claimed = second.signDiscovery(id, { ...whole(), succession: [forged, chain[1]] });
    expect(await bothPinned(old.did, claimed)).toEqual(twice('DISCOVERY_FAILED:OTHER_IDENTITY'));
    const broken = second.signDiscovery(id, { ...whole(), succession: [chain[1], chain[0]] });
    expect(await both(broken)).toEqual(twice(INVALID));
  });

  test('an older one than was seen is refused, and so is another DID', async () => {
    const document = second.signDiscovery(id, whole());
    const check = (seen: { did: string; issuedAt: number }) =>
      second.outcome(
        (async () =>
          second.checkDiscovery(document, { origin: ORIGIN, now: Date.now(), seen }))() as Promise<unknown>,
      );
    const issuedAt = Number(document['issuedAt']);
    expect(await check({ did: id.did, issuedAt })).toBe('accepted');
    expect(await check({ did: id.did, issuedAt: issuedAt + 1 })).toBe('DISCOVERY_FAILED:ROLLED_BACK');
    expect(await check({ did: other.did, issuedAt: 0 })).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });

  test('the package calls the service behind it, opens its answers and reads its refusals', async () => {
    const { agent, peer } = world();
    const [caller, service] = [await agent(3), await peer(3)];
    const bodies: unknown[] = [];
    let kind: 'short' | 'long' | 'cut' | 'refusal' = 'short';
    const fetch: typeof globalThis.fetch = async (input, init = {}) => {
      const { pathname, search } = new URL(String(input));
      if (pathname === PATH) {
        const document = { ...whole(), did: service.did, keyRecord: service.record(), endpoints: {} };
        return Response.json(second.signDiscovery(service.id, document));
      }
      const message = await second.receiveRequest(service, {
        method: init.method!,
        target: pathname + search,
        headers: Object.fromEntries(new Headers(init.headers)),
        ...(init.body ? { body: Buffer.from(init.body as string) } : {}),
      });
      bodies.push(message!.content);
      const headers = { 'Content-Type': 'application/xlink-envelope' };
      if (kind === 'refusal') {
        const { scope, request, nonce, from } = message!;
        const { text } = await service.seal(from, {
          ...{ kind: 'refusal', signedOnly: true, scope, request },
          inReplyTo: Buffer.from(nonce, 'base64url'),
          content: { status: 403, code: 'SCOPE_DENIED' },
        });
        return new Response(text, { status: 403, headers });
      }
      const answer = {
        ...{ status: 202, body: kind === 'long' ? [LARGE, second.utf8('☃')] : [second.utf8('☃')] },
        headers: [
          ['Content-Type', 'text/plain'],
          ['Vary', 'Origin'],
          ['X-Note', 'inside'],
        ] as [string, string][],
      };
      const out = second.outside(answer);
      const frames = second.sealAnswer(service, message!, answer);
      return new Response(streamOf(frames, kind === 'cut'), out);
    };
    const call = xlinkFetch({ agent: caller, fetch, baseUrl: ORIGIN });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await call('/orders?x="1"', { method: 'POST', headers, body: '{"n":1}' });
    expect([answer.status, answer.headers.get('xlink-sealed'), await answer.text()]).toEqual([
      202,
      'true',
      '☃',
    ]);
    expect((await call('/orders')).status).toBe(202);
    expect(bodies).toEqual([{ n: 1 }, undefined]);
    kind = 'long';
    const long = await call('/orders');
    expect([long.headers.get('x-note'), long.headers.get('vary')]).toEqual(['inside', 'Origin']);
    expect(Buffer.from(await long.arrayBuffer()).equals(Buffer.concat([LARGE, second.utf8('☃')]))).toBe(true);
    kind = 'cut';
    const cut = await call('/orders')
      .then(
        (answer) => answer.text(),
        (error) => error,
      )
      .catch((error) => error);
    expect(cut).toMatchObject({ id: 'ANSWER_INVALID:BROKEN_OFF' });
    kind = 'refusal';
    const refused = await call('/orders');
    expect([refused.status, refused.headers.get('xlink-sealed')]).toEqual([403, 'signed']);
    expect(await refused.json()).toMatchObject({ code: 'SCOPE_DENIED' });
  });
});
