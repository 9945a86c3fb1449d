import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { RedisNonceStore } from '@private.me/xlink';
import { thrownBy } from '../../support/results.js';
import { COLD_START, fakeClient, MARKER, newUse, quietly, TTL_MS, verified } from './nonce-clients.js';

/** Dated after any envelope of these tests. */
const LATER = `${'9'.repeat(15)} run replication 0`;

/** Clients whose answers no real server gives: what stands between here and Redis may give them. */
describe('an answer that is neither yes nor no accepts nothing', () => {
  const UNAVAILABLE = { id: 'NONCE_STORE_UNAVAILABLE', cause: expect.any(TypeError) };

  /** `reply`: to the claim, `OK` standing for its name. Every bucket is verified, so that claims are made beside the marker, which `GET` says to be `found`. */
  async function answering(reply: unknown, found: unknown = MARKER, script: unknown = verified(MARKER)) {
    let answer: unknown = verified(MARKER);
    const client = fakeClient({
      CLAIM: async (_, name) => (reply === 'OK' ? name : reply),
      EXISTS: async () => reply,
      GET: async () => found,
      EVAL: async () => answer,
    });
    const store = new RedisNonceStore({ client, onWarning: quietly });
    await setImmediate();
    answer = script;
    return store;
  }

  test.each([
    undefined,
    '',
    'QUEUED',
    'ok',
    true,
    false,
    2,
    -1,
    {},
    [],
    ['OK'],
    Buffer.from('OK'),
    new String('OK'),
  ])('%p', async (reply) => {
    const store = await answering(reply);
    for (const call of [() => store.claim(newUse(), TTL_MS), () => store.seen(newUse())])
      expect(await thrownBy(call)).toMatchObject(UNAVAILABLE);
  });

  test('what is a yes or a no to one command is none to the other', async () => {
    for (const reply of [1, 0, '1', '0', null, MARKER])
      expect(await thrownBy(async () => (await answering(reply)).claim(newUse(), TTL_MS))).toMatchObject(
        UNAVAILABLE,
      );
    for (const reply of ['OK', null])
      expect(await thrownBy(async () => (await answering(reply)).seen(newUse()))).toMatchObject(UNAVAILABLE);
  });

  test('the answer to another claim is no yes', async () => {
    const names: string[] = [];
    const late = async (_: string, name: string) => names.at(names.push(name) - 2);
    const client = fakeClient({ CLAIM: late, EVAL: async () => verified(MARKER), GET: async () => MARKER });
    const store = new RedisNonceStore({ client, onWarning: quietly });
    expect(await store.claim(newUse(), TTL_MS)).toBe(true);
    for (let nr = 0; nr < 3; nr++) expect(await store.claim(newUse(), TTL_MS)).toBe(false);
    expect(new Set(names).size).toBe(4);
  });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['no list', 'OK'],
    ['an empty list', []],
    ...['', 'since', '-1 run', '1.5 run', '1e3 run', ' 1 run', '0x1 run', 'NaN run', '1', 1, undefined].map(
      (marker): [string, unknown] => [`the marker ${marker}`, verified(marker)],
    ),
    ['a year too far', verified(`${'9'.repeat(16)} run`)],
    ['no run id', verified(MARKER, { 1: undefined })],
    ['a number for the time', verified(MARKER, { 2: 1 })],
    ['no policy', verified(MARKER, { 3: null })],
    ['no flag', verified(MARKER, { 4: null })],
    ['a flag that is neither', verified(MARKER, { 4: 2 })],
    ['a flag in a list', verified(MARKER, { 4: [1] })],
  ])('the script says %s', async (_, script) => {
    const beside = await answering('OK', null, script);
    const first = new RedisNonceStore({
      client: fakeClient({ EVAL: async () => script }),
      onWarning: quietly,
    });
    for (const store of [beside, first])
      expect(await thrownBy(() => store.claim(newUse(), TTL_MS))).toMatchObject({ id: UNAVAILABLE.id });
    expect(await thrownBy(async () => (await answering(0, null, script)).seen(newUse()))).toMatchObject(
      UNAVAILABLE,
    );
  });

  test('another marker than the one that was verified, or none: what the script says then counts', async () => {
    for (const found of [null, '', '1', 1, {}, ['1 run'], LATER, Buffer.from(MARKER)]) {
      const refusing = await answering('OK', found, verified(LATER));
      expect(await thrownBy(() => refusing.claim(newUse(), TTL_MS))).toMatchObject({ id: COLD_START });
      expect(await (await answering('OK', found)).claim(newUse(), TTL_MS)).toBe(true);
    }
  });

  test('a marker that is absent, and dated now', async () => {
    for (const call of [
      async () => (await answering('OK', null, verified(LATER))).claim(newUse(), TTL_MS),
      async () => (await answering(0, null, verified(LATER))).seen(newUse()),
    ])
      expect(await thrownBy(call)).toMatchObject({ id: COLD_START });
  });

  test('an envelope without a time', async () => {
    const use = newUse({ timestamp: NaN });
    for (const call of [
      async () => (await answering('OK')).claim(use, TTL_MS),
      async () => (await answering(0)).seen(use),
    ])
      expect(await thrownBy(call)).toMatchObject({ id: COLD_START });
  });

  test('a client that throws at once', async () => {
    const down = new Error('down');
    const call = () => {
      throw down;
    };
    const store = new RedisNonceStore({ client: fakeClient({}, { status: 'ready', call }) });
    for (const call of [() => store.claim(newUse(), TTL_MS), () => store.seen(newUse())])
      expect(await thrownBy(call)).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE', cause: down });
  });
});
