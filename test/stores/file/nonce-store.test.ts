import { appendFile, chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { NonceUse } from '@private.me/xlink';
import { FileNonceStore, type FileNonceStoreOptions } from '@private.me/xlink/file';
import { afterTest } from '../../support/after-test.js';
import { frozenClock } from '../../support/clock.js';
import { thrownBy } from '../../support/results.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const use = (nonce: string | number, sender = 'alice'): NonceUse => ({
  recipient: 'bob',
  sender,
  nonce: String(nonce),
  timestamp: frozenClock()(),
});

async function open(options: Partial<FileNonceStoreOptions> = {}) {
  const path = options.path ?? join(await temporaryFolder(), 'deep/nonces.jsonl');
  const clock = frozenClock();
  const store = await FileNonceStore.open({ clock, ...options, path });
  afterTest(() => store.close());
  return { store, path, clock };
}

describe('FileNonceStore', () => {
  test('of many claims at a time one succeeds, and it is remembered over a restart until it expires', async () => {
    const { store, path, clock } = await open();
    const claims = await Promise.all(Array.from({ length: 50 }, () => store.claim(use(1), 1000)));
    expect(claims.filter(Boolean).length).toBe(1);
    await store.close();
    const again = (await open({ path, clock })).store;
    expect([again.seen(use(1)), await again.claim(use(1), 1000)]).toEqual([true, false]);
    clock.advance(1000);
    expect(again.seen(use(1))).toBe(true);
    clock.advance(1);
    expect(await again.claim(use(1), 1000)).toBe(true);
  });

  test('a reservation shuts others out, and is gone after a restart unless it was settled', async () => {
    const { store, path, clock } = await open();
    for (const nonce of [1, 2, 3]) expect(store.reserve(use(nonce))).toBe(true);
    expect([store.reserve(use(1)), store.seen(use(1)), await store.claim(use(1), 1000)]).toEqual([
      false,
      true,
      false,
    ]);
    await store.settle(use(2), 1000, true);
    await store.settle(use(3), 1000, false);
    expect(store.seen(use(3))).toBe(false);
    await store.close();
    const again = (await open({ path, clock })).store;
    expect([1, 2, 3].map((nonce) => again.seen(use(nonce)))).toEqual([false, true, false]);
  });

  test('what is claimed is in the file before the claim resolves', async () => {
    const { store, path } = await open();
    await store.claim(use('nonce-in-file'), 1000);
    expect(await readFile(path, 'utf8')).toContain('nonce-in-file');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('half a line at the end is cut off, damage elsewhere is an error', async () => {
    const { store, path, clock } = await open();
    await store.claim(use(1), 1000);
    await store.claim(use(2), 1000);
    await store.close();
    const whole = await readFile(path, 'utf8');
    await appendFile(path, '{"sum":"00');
    const cuts: number[] = [];
    const again = (await open({ path, clock, onRepair: ({ bytes }) => cuts.push(bytes) })).store;
    expect([again.seen(use(1)), again.seen(use(2)), cuts]).toEqual([true, true, [10]]);
    await again.close();
    await writeFile(path, whole.replace('bob alice 1', 'bob alice 9'));
    await expect(open({ path })).rejects.toThrow('line 3 is damaged'); // the first after the start
  });

  test('a second process is kept out', async () => {
    const { path } = await open();
    await expect(FileNonceStore.open({ path, lockWaitMs: 0 })).rejects.toMatchObject({ code: 'ELOCKED' });
  });

  test('the file does not grow for ever, and compaction forgets nothing that counts', async () => {
    const { store, path, clock } = await open();
    const claimMany = (from: number, count: number, ttlMs: number) =>
      Promise.all(
        Array.from({ length: count }, (_, n) => store.claim(use(`${'n'.repeat(100)}${from + n}`), ttlMs)),
      );
    await claimMany(0, 1000, 10 * 86_400_000);
    for (let round = 1; round <= 8; round++) {
      await claimMany(round * 5000, 5000, 1000);
      clock.advance(2000);
    }
    expect((await stat(path)).size).toBeLessThan(6 * 1024 * 1024);
    const wrote = 41_000 * 130;
    expect(wrote).toBeGreaterThan(5_000_000); // more than that was written in all
    await store.close();
    const again = (await open({ path, clock })).store;
    expect(again.size).toBe(1000);
  }, 30_000);

  test('is bounded, for each sender and in all; what expired makes room', async () => {
    const { store, clock } = await open({ maxEntries: 4, maxEntriesPerSender: 2 });
    for (const nonce of [1, 2]) await store.claim(use(nonce), 1000);
    expect((await thrownBy(() => store.claim(use(3), 1000))).id).toBe('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
    for (const nonce of [1, 2]) await store.claim(use(nonce, 'carol'), 1000);
    expect((await thrownBy(() => store.claim(use(1, 'dora'), 1000))).id).toBe('NONCE_STORE_UNAVAILABLE:FULL');
    clock.advance(2000);
    expect(await store.claim(use(1, 'dora'), 1000)).toBe(true);
    expect(await store.claim(use(3), 1000)).toBe(true);
  });

  test('what cannot be written is not claimed', async () => {
    const { store, path } = await open();
    await store.claim(use(1), 1000);
    await writeFile(path, 'somebody else');
    expect((await thrownBy(() => store.claim(use(2), 1000))).id).toBe('NONCE_STORE_UNAVAILABLE');
    expect(store.seen(use(2))).toBe(false);
    await chmod(path, 0o600);
  });

  test.each([[{}], [{ path: '' }], [{ path: 'x', maxEntries: 0 }], [{ path: 'x', maxEntry: 1 }]])(
    'is not opened with %j',
    async (options) => {
      expect((await thrownBy(() => FileNonceStore.open(options as never))).id).toBe('INVALID_OPTION');
    },
  );
});
