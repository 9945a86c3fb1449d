import { expect, test } from '@jest/globals';
import {
  DualModeAdapter,
  type DualModeOptions,
  MemoryLeafStore,
  MemorySequenceStore,
  type SessionOptions,
} from '@private.me/xlink';
import { createSessions } from '../../src/adapters/sessions-option.js';
import { thrownBy } from '../support/results.js';
import { World } from '../support/world.js';

const tickets = { keep: () => '', read: () => undefined };
const sequences = new MemorySequenceStore();

test.each([
  ['never', { never: 'pay' }],
  ['never', { never: ['*'] }],
  ['never', { never: ['xlink:key'] }],
  ['lifetimeMs', { lifetimeMs: 1000 }],
  ['handshakesPerMinute', { handshakesPerMinute: 0 }],
  ['sequences', { sequences: {} }],
  ['tickets', { tickets: {} }],
  ['checkpoints', { checkpoints: 256 }],
  ['requests', { checkpoints: { requests: 7 } }],
  ['seconds', { checkpoints: { seconds: 0 } }],
  ['compare', { checkpoints: { compare: {} } }],
  ['onCheckpoint', { onCheckpoint: true }],
  ['sessions.onCheckpoint', { checkpoints: false, onCheckpoint: () => {} }],
  ['sessions.tickets', { sequences }],
  ['sessions.sequences', { tickets }],
])('%s is refused: %j', async (field, sessions) => {
  const agent = await new World().agent('api');
  const options = { agent, legacyKeyValidator: () => null, sessions } as unknown as DualModeOptions;
  expect(await thrownBy(() => new DualModeAdapter(options))).toMatchObject({ id: 'INVALID_OPTION', field });
});

test('several processes have sessions together, or none', async () => {
  const agent = await new World().agent('api');
  const make = (sessions: DualModeOptions['sessions'] & {}) =>
    new DualModeAdapter({ agent, legacyKeyValidator: () => null, sessions, instances: 2 });
  for (const sessions of [true, { sequences, tickets }])
    expect(await thrownBy(() => make(sessions))).toMatchObject({
      id: 'NONCE_STORE_NOT_SHARED',
      field: 'sessions',
    });
  expect(() => make({ sequences: { claimSequence: () => true }, tickets })).not.toThrow();
});

test('checkpoints are made where there is somebody to keep them, unless said otherwise', async () => {
  const agent = await new World().agent('api');
  const limitsOf = (sessions: SessionOptions) =>
    createSessions({ agent, sessions }, Date.now)!.rules.checkpoints?.limits;
  expect(limitsOf({})).toBeUndefined();
  expect(limitsOf({ onCheckpoint: () => {} })).toEqual({ requests: 256, seconds: 60 });
  expect(limitsOf({ checkpoints: true })).toEqual({ requests: 256, seconds: 60 });
  expect(limitsOf({ checkpoints: { requests: 64 } })).toEqual({ requests: 64, seconds: 60 });
});

test('what was seen is forgotten, the oldest first, and given once', () => {
  const store = new MemoryLeafStore({ maxLeaves: 3 });
  for (let seq = 0; seq < 5; seq++) store.keep({ sid: 'a', seq, leaf: `${seq}` });
  expect(store.size).toBe(3);
  expect(store.take('b', 0, 9)).toEqual([]);
  expect(store.take('a', 0, 4).map(({ seq }) => seq)).toEqual([2, 3]);
  expect(store.take('a', 0, 9).map(({ seq }) => seq)).toEqual([4]);
});
