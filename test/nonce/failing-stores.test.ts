import { describe, expect, test } from '@jest/globals';
import { MemoryNonceStore, type NonceStore, xlinkError } from '@private.me/xlink';
import { errorOf, idOf } from '../support/results.js';
import { pair } from '../support/world.js';

const down = new Error('connection refused');
const misbehaviors: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw down;
    },
  ],
  ['rejects', () => Promise.reject(down)],
  ['answers undefined', () => undefined],
  ['answers null', () => null],
  ['answers OK, as a Redis client would', () => 'OK'],
  ['answers 1', () => 1],
  ['answers 0, later', async () => 0],
  ['answers an object', () => ({ claimed: true })],
];
const parts = ['seen', 'claim'] as const;
const cases = parts.flatMap((part) => misbehaviors.map(([does, how]) => [part, does, how] as const));

const storeWith = (part: (typeof parts)[number], how: () => unknown): NonceStore => {
  const store = new MemoryNonceStore({ coldStart: 'accept' });
  const real = { seen: store.seen.bind(store), claim: store.claim.bind(store) };
  return { ...real, [part]: how };
};

describe('a store whose', () => {
  test.each(cases)('%s %s gets nothing accepted', async (part, _, how) => {
    const { alice, bob } = await pair({}, { nonceStore: storeWith(part, how) });
    const error = errorOf(await bob.receive(await alice.send({ to: bob.did, payload: 1 })));
    expect(error).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE', status: 503 });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test.each(cases)('%s %s lets messages through where that was asked for', async (part, _, how) => {
    const options = { nonceStore: storeWith(part, how), unsafeAcceptWhenNonceStoreFails: true };
    const { alice, bob } = await pair({}, options);
    const received = await bob.receive(await alice.send({ to: bob.did, payload: 'risky' }));
    expect(received.value?.payload).toBe('risky');
  });
});

test('the error of a failing store is kept as cause', async () => {
  const { alice, bob } = await pair({}, { nonceStore: storeWith('seen', () => Promise.reject(down)) });
  expect(errorOf(await bob.receive(await alice.send({ to: bob.did, payload: 1 }))).cause).toBe(down);
});

test('a store may answer later', async () => {
  const store = new MemoryNonceStore({ coldStart: 'accept' });
  const nonceStore: NonceStore = {
    seen: async (use) => store.seen(use),
    claim: async (use, ttlMs) => store.claim(use, ttlMs),
  };
  const { alice, bob } = await pair({}, { nonceStore });
  const sent = await alice.send({ to: bob.did, payload: 1 });
  expect(idOf(await bob.receive(sent))).toBe('ok');
  expect(idOf(await bob.receive(sent))).toBe('REPLAY_DETECTED');
});

test('a store may say in its own words why it refuses', async () => {
  const nonceStore = storeWith('claim', () => {
    throw xlinkError('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
  });
  const { alice, bob } = await pair({}, { nonceStore });
  const error = errorOf(await bob.receive(await alice.send({ to: bob.did, payload: 1 })));
  expect(error).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE:SENDER_QUOTA', status: 429 });
});

test('the unsafe option changes nothing about replays while the store works', async () => {
  const { alice, bob } = await pair({}, { unsafeAcceptWhenNonceStoreFails: true });
  const sent = await alice.send({ to: bob.did, payload: 1 });
  expect(idOf(await bob.receive(sent))).toBe('ok');
  expect(idOf(await bob.receive(sent))).toBe('REPLAY_DETECTED');
});
