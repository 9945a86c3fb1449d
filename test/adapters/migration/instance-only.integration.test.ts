import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FileModeStore } from '../../../src/file.js';
import { NOON } from '../../support/clock.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { instance } from './instances.js';

const route = { path: '/orders' };
const brownout = { from: new Date(NOON), until: new Date(NOON + 1) };

type Adapter = Awaited<ReturnType<typeof instance>>['adapter'];

const CALLS: readonly (readonly [
  string,
  (adapter: Adapter, reach?: { instanceOnly: boolean }) => unknown,
])[] = [
  [
    'setMode of a client',
    (adapter, reach) => adapter.setMode('xlink-only', 'x', { client: 'acme', ...reach }),
  ],
  ['setMode of a route', (adapter, reach) => adapter.setMode('xlink-only', 'x', { route, ...reach })],
  ['clearMode of a client', (adapter, reach) => adapter.clearMode({ client: 'acme', ...reach })],
  ['clearMode of a route', (adapter, reach) => adapter.clearMode({ route, ...reach })],
  ['scheduleBrownout', (adapter, reach) => adapter.scheduleBrownout(brownout, reach)],
];

async function withSharedMode(use: (parts: Awaited<ReturnType<typeof instance>>) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-modes-'));
  const store = new FileModeStore(join(folder, 'mode.jsonl'));
  const made = await instance(new World(), store);
  try {
    await use(made);
  } finally {
    made.shared.stop();
    await store.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

describe('what is not shared, under a shared mode', () => {
  test.each(CALLS)('%s is refused, and says what to do; instanceOnly asks for it', (_, call) =>
    withSharedMode(async ({ adapter, shared, changes }) => {
      await shared.start();
      expect(await optionRefusedBy(() => call(adapter))).toBe('instanceOnly');
      expect(await optionRefusedBy(() => call(adapter, { instanceOnly: false }))).toBe('instanceOnly');
      expect(() => call(adapter)).toThrow(
        /not shared by SharedMode.*option (?:clientModes|routeModes|brownouts) of every instance.*instanceOnly: true/,
      );
      expect(changes()).toEqual([]);
      expect(() => call(adapter, { instanceOnly: true })).not.toThrow();
    }),
  );

  test.each(CALLS)('%s is free before start() and after stop()', (_, call) =>
    withSharedMode(async ({ adapter, shared }) => {
      expect(() => call(adapter)).not.toThrow();
      await shared.start();
      shared.stop();
      shared.stop();
      expect(() => call(adapter)).not.toThrow();
    }),
  );

  test('the mode of everything cannot be kept to one instance', () =>
    withSharedMode(async ({ adapter }) => {
      const set = () => adapter.setMode('xlink-only', 'why', { instanceOnly: true });
      expect(await optionRefusedBy(set)).toBe('instanceOnly');
      expect(adapter.mode).toBe('hybrid');
    }));
});
