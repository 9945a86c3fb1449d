import { expect, test } from '@jest/globals';
import { DualModeAdapter, type DualModeOptions, MemorySequenceStore } from '@private.me/xlink';
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
