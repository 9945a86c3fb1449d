import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Envelope } from '@private.me/xlink';
import { FileRelayStore, type FileRelayStoreOptions } from '@private.me/xlink/file';
import { afterTest } from '../../support/after-test.js';
import { frozenClock } from '../../support/clock.js';
import { thrownBy } from '../../support/results.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { until } from '../../support/until.js';

/** The store looks at four members only. */
const message = (nonce: string | number, { from = 'alice', to = 'bob', size = 100 } = {}) => ({
  envelope: { from, to, nonce: String(nonce), payload: 'x'.repeat(size) } as unknown as Envelope,
  bytes: size,
  copiesForMs: 361_000,
});

async function open(options: Partial<FileRelayStoreOptions> = {}) {
  const path = options.path ?? join(await temporaryFolder(), 'messages.jsonl');
  const clock = frozenClock();
  const store = await FileRelayStore.open({ clock, ...options, path });
  afterTest(() => store.close());
  return { store, path, clock };
}

const idsIn = (store: FileRelayStore, after = '') => store.list('bob', after, 1000).map(({ id }) => id);

describe('FileRelayStore', () => {
  test('many adds at a time are all in the file when they resolve, in their order', async () => {
    const { store, path } = await open();
    await Promise.all(Array.from({ length: 600 }, (_, n) => store.add(message(n))));
    expect(store.list('bob', '', 1000).map(({ envelope }) => Number(envelope.nonce))).toEqual(
      Array.from({ length: 600 }, (_, n) => n),
    );
    const lines = (await readFile(path, 'utf8')).split('\n').length;
    expect(lines).toBeLessThan(20); // they shared their writes
  });

  test('what was added and not acknowledged is there after a restart; ids go on', async () => {
    const { store, path, clock } = await open();
    for (const nonce of [1, 2, 3]) await store.add(message(nonce));
    await store.ack('bob', ['1', '3']);
    await store.close();
    const again = (await open({ path, clock })).store;
    expect(idsIn(again)).toEqual(['2']);
    await again.add(message(4));
    expect([idsIn(again), idsIn(again, '2')]).toEqual([['2', '4'], ['4']]);
  });

  test('ids go on even where the file was written anew and nothing waited', async () => {
    const { store, path, clock } = await open();
    await Promise.all(Array.from({ length: 60 }, (_, n) => store.add(message(n, { size: 150_000 }))));
    await store.ack('bob', idsIn(store));
    await until(async () => (await stat(path)).size < 1000, { what: 'the file to be small' }); // it had 9 MB
    await store.close();
    const again = (await open({ path, clock })).store;
    await again.add(message('next'));
    expect(idsIn(again)).toEqual(['61']);
  }, 30_000);

  test('writing anew loses nothing that came in the same moment', async () => {
    const { store, path, clock } = await open({
      limits: { bytesPerSender: 2 ** 30, messagesPerSender: 100_000 },
    });
    const kept: number[] = [];
    for (let round = 0; round < 60; round++) {
      const first = round * 20;
      await Promise.all(
        Array.from({ length: 20 }, async (_, n) => {
          await store.add(message(first + n, { size: 50_000 }));
          if (n % 10 === 0) kept.push(first + n);
          else await store.ack('bob', [String(first + n + 1)]);
        }),
      );
    }
    await store.close();
    const again = (await open({ path, clock })).store;
    const there = again.list('bob', '', 1000).map(({ envelope }) => Number(envelope.nonce));
    expect(there.sort((a, b) => a - b)).toEqual(kept.sort((a, b) => a - b));
  }, 30_000);

  test('half a line at the end is cut off, damage elsewhere is an error', async () => {
    const { store, path, clock } = await open();
    await store.add(message(1));
    await store.add(message(2));
    await store.close();
    await appendFile(path, '{"sum":"0123');
    const again = (await open({ path, clock })).store;
    expect(idsIn(again)).toEqual(['1', '2']);
    await again.close();
    await writeFile(path, (await readFile(path, 'utf8')).replace('xxxx', 'xxyx'));
    await expect(open({ path })).rejects.toThrow('line 2 is damaged');
  });

  test('what could not be written is not there, and uses up no quota', async () => {
    const { store, path } = await open({ limits: { messagesPerSender: 1 } });
    await writeFile(path, 'somebody else');
    await expect(store.add(message(1))).rejects.toThrow('written to by another program');
    await expect(store.add(message(1))).rejects.toThrow('written to by another program'); // neither "known" nor "full"
    expect(idsIn(store)).toEqual([]);
  });

  test('expired messages give their room back when they are swept', async () => {
    const { store, clock } = await open({ limits: { messagesPerMailbox: 1, lifetimeMs: 1000 } });
    expect(await store.add(message(1))).toBe('stored');
    expect(await store.add(message(2))).toBe('mailbox-full');
    clock.advance(1000);
    expect(idsIn(store)).toEqual([]);
    await store.sweep();
    expect(await store.add(message(2))).toBe('stored');
  });

  test('is full when it is full', async () => {
    const { store } = await open({ limits: { bytesInAll: 1024 } });
    expect(await store.add(message(1, { size: 1000 }))).toBe('stored');
    await expect(store.add(message(1, { from: 'carol', to: 'dora' }))).rejects.toThrow('full');
  });

  test.each([
    [{}],
    [{ path: 'x', limits: { lifetimeMs: 8 * 86_400_000 } }],
    [{ path: 'x', limits: { messages: 1 } }],
  ])('is not opened with %j', async (options) => {
    expect((await thrownBy(() => FileRelayStore.open(options as never))).id).toBe('INVALID_OPTION');
  });
});
