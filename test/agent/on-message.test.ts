import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Agent, type AgentOptions, MemoryNonceStore } from '@private.me/xlink';
import { FileNonceStore } from '@private.me/xlink/file';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { idOf, unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { World } from '../support/world.js';

const DAY = 86_400_000;

async function late(options: AgentOptions = {}) {
  const world = new World();
  const path = join(await temporaryFolder(), 'nonces.jsonl');
  const nonceStore = await FileNonceStore.open({ path, clock: world.clock, coldStart: 'accept' });
  afterTest(() => nonceStore.close());
  const alice = await world.agent('alice');
  const bob = await world.agent('bob', { maxAgeMs: 7 * DAY, nonceStore, ...options });
  return { world, alice, bob, path, nonceStore };
}

describe('messages that come late', () => {
  test('are taken up to maxAgeMs, by onMessage and by a receive that asks for it', async () => {
    const { world, alice, bob } = await late();
    const [first, second, third] = await Promise.all(
      [1, 2, 3].map((payload) => alice.createEnvelope({ to: bob.did, payload })),
    );
    world.clock.advance(7 * DAY);
    expect(idOf(await bob.receive(first!))).toBe('TIMESTAMP_EXPIRED');
    expect(idOf(await bob.receive(first!, { maxAgeMs: 7 * DAY }))).toBe('ok');
    const got: unknown[] = [];
    bob.onMessage(({ payload }) => void got.push(payload));
    await world.transport.send(second!, bob.did);
    expect(got).toEqual([2]);
    world.clock.advance(1);
    expect(idOf(await bob.receive(third!, { maxAgeMs: 7 * DAY }))).toBe('TIMESTAMP_EXPIRED');
  });

  test('do not widen the future', async () => {
    const { world, alice, bob } = await late();
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    world.clock.advance(-30_001);
    expect(idOf(await bob.receive(envelope, { maxAgeMs: 7 * DAY }))).toBe('TIMESTAMP_EXPIRED:FUTURE');
  });

  test('are refused as replays for as long as they could be taken, over a restart, whichever way they came first', async () => {
    const { world, alice, bob, path, nonceStore } = await late();
    world.clock.advance(-30_000);
    const ahead = await alice.createEnvelope({ to: bob.did, payload: 1 });
    world.clock.advance(-30_000);
    world.clock.advance(30_000);
    expect(idOf(await bob.receive(ahead))).toBe('ok'); // as over HTTP, within the window
    world.clock.advance(7 * DAY - 1);
    await nonceStore.close();
    const store = await FileNonceStore.open({ path, clock: world.clock });
    afterTest(() => store.close());
    const again = await world.agent('bob', { maxAgeMs: 7 * DAY, nonceStore: store });
    expect(idOf(await again.receive(ahead, { maxAgeMs: 7 * DAY }))).toBe('REPLAY_DETECTED');
  });

  test('[E16] are refused for good where the nonce file lost what it knew: they do not hold up their sender', async () => {
    const { world, alice, path, nonceStore } = await late();
    const earlier = await alice.createEnvelope({ to: (await world.agent('bob')).did, payload: 'earlier' });
    await nonceStore.close();
    await rm(path);
    world.clock.advance(1000);
    const store = await FileNonceStore.open({ path, clock: world.clock });
    afterTest(() => store.close());
    const bob = await world.agent('bob', { maxAgeMs: 7 * DAY, nonceStore: store });
    const [got, refused]: [unknown[], string[]] = [[], []];
    bob.onMessage(({ payload }) => void got.push(payload), { onRefused: ({ id }) => void refused.push(id) });
    await world.transport.send(earlier, bob.did);
    await world.transport.send(await alice.createEnvelope({ to: bob.did, payload: 'later' }), bob.did);
    expect([got, refused]).toEqual([['later'], ['NONCE_STORE_UNAVAILABLE:COLD_START']]);
  });

  test.each([
    ['no nonce store of its own', {}],
    ['one that forgets', { nonceStore: new MemoryNonceStore() }],
  ])('need more than %s', async (_, options) => {
    const made = Agent.fromSeed({ seed: seedOf('bob'), maxAgeMs: DAY, ...options });
    expect((await made).error).toMatchObject({ id: 'INVALID_OPTION', field: 'nonceStore' });
  });

  test('may be taken at the risk of a replay after a restart', async () => {
    const nonceStore = new MemoryNonceStore({ coldStart: 'accept' });
    unwrap(await Agent.fromSeed({ seed: seedOf('bob'), maxAgeMs: DAY, nonceStore }));
  });

  test.each([
    [{ maxAgeMs: 29_999 }],
    [{ maxAgeMs: 8 * DAY + 1 }],
    [{ timestampWindowMs: 3_600_000, maxAgeMs: 60_000 }],
  ])('cannot be had with %j', async (options) => {
    const made = await Agent.fromSeed({ seed: seedOf('bob'), ...options });
    expect(made.error).toMatchObject({ id: 'INVALID_OPTION', field: 'maxAgeMs' });
  });

  test('are not taken by a receive that asks for more than the agent keeps nonces for', async () => {
    const { alice, bob } = await late({ maxAgeMs: DAY });
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    expect(idOf(await bob.receive(envelope, { maxAgeMs: 2 * DAY }))).toBe('INVALID_OPTION');
  });
});

describe.each([
  ['FileNonceStore', false],
  ['MemoryNonceStore', true],
])('a message whose handler fails, with %s,', (_, inMemory) => {
  const receiver = () => late(inMemory ? { nonceStore: new MemoryNonceStore({ coldStart: 'accept' }) } : {});

  test('can come again; one whose handler resolved cannot', async () => {
    const { alice, bob } = await receiver();
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const failing = await bob.receive(envelope, { handle: () => Promise.reject(new Error('no')) });
    expect(idOf(failing)).toBe('INTERNAL');
    let handled = 0;
    const handle = () => void handled++;
    expect(idOf(await bob.receive(envelope, { handle }))).toBe('ok');
    expect(idOf(await bob.receive(envelope, { handle }))).toBe('REPLAY_DETECTED');
    expect(handled).toBe(1);
  });

  test('is not handled a second time while it is being handled', async () => {
    const { alice, bob } = await receiver();
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    let finish = () => {};
    const busy = new Promise<void>((resolve) => (finish = resolve));
    const first = bob.receive(envelope, { handle: () => busy });
    const others = await Promise.all(
      Array.from({ length: 5 }, () => bob.receive(envelope, { handle: () => busy })),
    );
    finish();
    expect([idOf(await first), new Set(others.map(idOf))]).toEqual(['ok', new Set(['REPLAY_DETECTED'])]);
  });

  test('a nonce stays used where the payload does not open', async () => {
    const { world, alice, bob } = await receiver();
    const other = await world.agent('other');
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const foreign = await alice.createEnvelope({ to: other.did, payload: 1 });
    expect(envelope.nonce).not.toBe(foreign.nonce);
    const bad = await alice.createEnvelope({ to: bob.did, payload: 1, signedOnly: true });
    expect(idOf(await bob.receive(bad, { handle: () => {}, allowCleartext: true }))).toBe('ok');
    expect(idOf(await bob.receive(bad, { handle: () => {}, allowCleartext: true }))).toBe('REPLAY_DETECTED');
  });
});

describe('onMessage', () => {
  test('rejects for what may come again, and not for what is refused for good', async () => {
    const { world, alice, bob } = await late();
    const told: string[] = [];
    let isBroken = true;
    const consume = (error: { id: string }) => void told.push(error.id);
    bob.onMessage(
      () => {
        if (isBroken) throw Object.assign(new Error('x'), { status: 400 });
      },
      { onRefused: consume, onFailed: (error) => void told.push(`again ${error.id}`) },
    );
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    expect(idOf(await world.transport.send(envelope, bob.did))).toBe('INTERNAL');
    isBroken = false;
    await world.transport.send(envelope, bob.did);
    await world.transport.send(envelope, bob.did);
    const altered = await alice.createEnvelope({ to: bob.did, payload: 1 });
    await world.transport.send({ ...altered, scope: 'changed' }, bob.did);
    world.clock.advance(-40_000);
    const other = await alice.createEnvelope({ to: bob.did, payload: 2 });
    world.clock.advance(-40_000);
    expect(idOf(await world.transport.send(other, bob.did))).toBe('TIMESTAMP_EXPIRED:FUTURE');
    expect(told).toEqual([
      'again INTERNAL',
      'REPLAY_DETECTED',
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      'again TIMESTAMP_EXPIRED:FUTURE',
    ]);
  });

  test('takes an error of this package from a handler for a failure of the handler', async () => {
    const { world, alice, bob } = await late();
    bob.onMessage(async () => {
      unwrap(await bob.send({ to: alice.did, payload: 1, scope: 'bad scope' }));
    });
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    expect(idOf(await world.transport.send(envelope, bob.did))).toBe('INTERNAL');
  });

  test('hands what observers throw to nobody', async () => {
    const { world, alice, bob } = await late();
    bob.onMessage(() => {}, {
      onRefused: () => {
        throw new Error('observer');
      },
    });
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    await world.transport.send({ ...envelope, scope: 'changed' }, bob.did);
  });

  test('refuses unknown options', async () => {
    const { bob } = await late();
    expect(() => bob.onMessage(() => {}, { onError: () => {} } as never)).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION' }),
    );
  });
});
