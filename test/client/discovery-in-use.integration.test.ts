import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { MemoryKeyStore } from '../../src/identity/key-store.js';
import { type HeldRequest, ManInTheMiddle } from './man-in-the-middle.js';
import { fetchFor, postJson, problem, rejection, serveApi, serveHandmade } from './support.js';

const ENROLL = '/.well-known/xlink/enroll';
const DISCOVERY = '/.well-known/xlink.json';
const PROBLEM = { 'content-type': 'application/problem+json' };
const UNKNOWN_EPOCH = JSON.stringify({ code: 'KEY_EPOCH_UNKNOWN' });

describe('discovery in use', () => {
  test('is repeated after five minutes', async () => {
    const api = await serveApi();
    let now = Date.now();
    const fetch = fetchFor(api.url, { clock: () => now });
    await fetch('/a');
    now += 20_000;
    await fetch('/a');
    expect(api.count(DISCOVERY)).toBe(1);
    const agent = await Agent.quickstart();
    now = Date.now();
    const again = fetchFor(api.url, { agent, clock: () => now });
    await again('/a');
    now += 300_001;
    await again('/a');
    expect([api.count(DISCOVERY), api.count(ENROLL)]).toEqual([3, 2]);
  });

  test('is repeated after somebody says that the envelope is not for the service', async () => {
    const handmade = await serveHandmade();
    const fetch = fetchFor(handmade.url);
    await fetch('/a');
    for (const [code, subCode] of [
      ['RECIPIENT_MISMATCH'],
      ['KEY_EPOCH_UNKNOWN'],
      ['DECRYPT_FAILED', 'DECRYPTION'],
    ] as const) {
      handmade.misbehave = () => problem(401, code, subCode);
      expect(await rejection(fetch('/a'))).toMatchObject({
        id: 'ANSWER_INVALID:NOT_SEALED',
        cause: { code, subCode },
      });
      handmade.misbehave = () => undefined;
      expect((await fetch('/a')).status).toBe(200);
    }
    expect(handmade.seen.filter(({ path }) => path === DISCOVERY)).toHaveLength(4);
    expect(handmade.seen.filter(({ path }) => path === '/a')).toHaveLength(7);
  });

  test('that fails then leaves what the answer said as the error', async () => {
    const handmade = await serveHandmade();
    const fetch = fetchFor(handmade.url);
    await fetch('/a');
    handmade.misbehave = () => problem(401, 'KEY_EPOCH_UNKNOWN');
    handmade.spoil = () => 'gone';
    expect(await rejection(fetch('/a'))).toMatchObject({
      id: 'ANSWER_INVALID:NOT_SEALED',
      cause: { id: 'KEY_EPOCH_UNKNOWN' },
    });
  });

  test('seals a write anew, as the same claim, once the service shows keys of another epoch', async () => {
    let isLater = false;
    const clockAhead = (ms: number) => () => Date.now() + (isLater ? ms : 0);
    const agentOptions = { clock: clockAhead(2000), keyStore: new MemoryKeyStore() };
    const api = await serveApi({ clock: clockAhead(151_000) }, undefined, agentOptions); // when it signs a new document
    const man = await ManInTheMiddle.before(api.url);
    const fetch = fetchFor(man.url);
    expect((await fetch('/pay', postJson(1))).status).toBe(201);
    isLater = true;
    await api.agent.rotateKeys();
    const sent: HeldRequest[] = [];
    man.at('/pay', (request, forward) =>
      sent.push(request) === 1 ? { status: 401, headers: PROBLEM, body: UNKNOWN_EPOCH } : forward(),
    );
    expect((await fetch('/pay', postJson(2))).status).toBe(201);
    const [first, second] = sent.map(({ body }) => JSON.parse(body.toString()));
    expect(second).toMatchObject({ nonce: first.nonce, timestamp: first.timestamp });
    expect(second.keyEpoch).toBeGreaterThan(first.keyEpoch);
    man.rule = (_request, forward) => forward(sent[0]); // the form that was not let through is the same claim
    expect(await rejection(fetch('/pay', postJson(3)))).toMatchObject({ cause: { id: 'REPLAY_DETECTED' } });
    expect(api.handled).toEqual(['POST /pay', 'POST /pay']);
  });
});
