import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { FileFusionStore, FusionManager } from '../src/index.js';
import { device } from './fusion-support.js';
import { afterTest, idOfFailure } from './support.js';

async function enrolledIn(folder: string) {
  const settings = {
    threshold: 2,
    totalSignals: 3,
    account: 'ada@example.com',
    store: new FileFusionStore(folder),
  };
  const fusion = new FusionManager(settings);
  const signals = ['a', 'b', 'c'].map((name) => ({ type: 'device', value: device(name) }) as const);
  for (const signal of signals) await fusion.enrollSignal(signal);
  return { fusion, settings, signals };
}

const folderOf = async () => {
  const path = await mkdtemp(join(tmpdir(), 'xfuse-'));
  afterTest(() => rm(path, { recursive: true }));
  return join(path, 'records');
};

test('a record is there after a restart, for its owner only', async () => {
  const folder = await folderOf();
  const { fusion, settings, signals } = await enrolledIn(folder);
  const again = new FusionManager({ ...settings, store: new FileFusionStore(folder) });
  expect((await again.converge(signals)).fusedDid).toBe(await fusion.fusedDid());
  const [name, ...more] = await readdir(folder);
  expect([more, name]).toEqual([[], expect.stringMatching(/^[0-9a-f]{40}\.1\.json$/)]);
  expect((await stat(join(folder, name!))).mode & 0o777).toBe(0o600);
  const other = new FusionManager({ ...settings, account: 'bob' });
  expect(await idOfFailure(() => other.converge(signals))).toBe('SIGNALS_INCOMPLETE');
  await writeFile(join(folder, name!), '{');
  expect(await idOfFailure(() => again.converge(signals))).toBe('RECORD_UNAVAILABLE');
});

test('of several changes at the same time one succeeds, and nothing else is left', async () => {
  const folder = await folderOf();
  const { settings, signals } = await enrolledIn(folder);
  const changes = await Promise.allSettled(
    ['d', 'e', 'f', 'g'].map((name) =>
      new FusionManager({ ...settings, store: new FileFusionStore(folder) }).addSignal(signals, {
        type: 'device',
        value: device(name),
      }),
    ),
  );
  const failures = changes.flatMap((change) => (change.status === 'rejected' ? [change.reason.id] : []));
  expect(failures).toEqual(failures.map(() => 'RECORD_CHANGED'));
  const manager = new FusionManager(settings);
  expect(await manager.signals()).toHaveLength(3 + changes.length - failures.length);
  await manager.converge(signals);
  expect(await readdir(folder)).toHaveLength(1);

  const store = new FileFusionStore(folder);
  const record = (await store.load(settings.account))!;
  const next = { ...record, generation: record.generation + 1 };
  const stores = Array.from({ length: 8 }, () => new FileFusionStore(folder));
  const saved = await Promise.all(stores.map((one) => one.save(next, record.generation)));
  expect(saved.filter((isSaved) => isSaved)).toHaveLength(1);
  expect(await store.save(next, record.generation)).toBe(false);
  expect(await store.save(record, undefined)).toBe(false);
});
