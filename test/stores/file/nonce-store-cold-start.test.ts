import { copyFile, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { NonceUse } from '@private.me/xlink';
import { FileNonceStore, type FileNonceStoreOptions } from '@private.me/xlink/file';
import { frozenClock } from '../../support/clock.js';
import { thrownBy } from '../../support/results.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const HOUR = 3_600_000;
const COLD_START = 'NONCE_STORE_UNAVAILABLE:COLD_START';

let path: string;
let clock: ReturnType<typeof frozenClock>;
beforeEach(async () => {
  path = join(await temporaryFolder(), 'nonces');
  clock = frozenClock();
});

const use = (nonce: string, timestamp = clock()): NonceUse => ({
  recipient: 'bob',
  sender: 'alice',
  nonce,
  timestamp,
});

async function opened<T>(
  run: (store: FileNonceStore) => Promise<T>,
  options: Partial<FileNonceStoreOptions> = {},
): Promise<T> {
  const store = await FileNonceStore.open({ path, clock, ...options });
  try {
    return await run(store);
  } finally {
    await store.close();
  }
}

/** Whether it is accepted, or why not. */
const claimed = (store: FileNonceStore, nonce: NonceUse) =>
  store.claim(nonce, 24 * HOUR).catch((error) => error.id as string);

/** A store that accepted some envelopes, and was closed; one of them. */
async function accepted(): Promise<NonceUse> {
  const first = await opened(async (store) => {
    clock.advance(1);
    const one = use('first');
    expect(await claimed(store, one)).toBe(true);
    expect(await claimed(store, use('second'))).toBe(true);
    return one;
  });
  clock.advance(1000);
  return first;
}

const older = () => `${path}.older`;

const DAMAGES: [string, () => Promise<unknown>][] = [
  ['was emptied', () => truncate(path)],
  ['was removed', () => rm(path)],
  ['was removed with its record', () => Promise.all([rm(path), rm(`${path}.head`)])],
  ['lost its record', () => rm(`${path}.head`)],
  ['lost its last line', async () => writeFile(path, `${await withoutLines(1)}\n`)],
  [
    'lost its last line and the half of another',
    async () => truncate(path, (await withoutLines(1)).length - 9),
  ],
  [
    'was cut to its first line',
    async () => writeFile(path, `${(await readFile(path, 'utf8')).split('\n')[0]}\n`),
  ],
  ['is an older one', () => rename(older(), path)],
  [
    'was restored from a backup, with its record',
    async () => {
      await copyFile(path, `${path}.backup`);
      await rename(`${path}.backup`, path);
    },
  ],
  [
    'was restored after both were removed, where the file system gives the same inode again',
    async () => {
      const files = [path, `${path}.head`];
      const contents = await Promise.all(files.map((file) => readFile(file)));
      await Promise.all(files.map((file) => rm(file)));
      for (const [at, file] of files.entries()) await writeFile(file, contents[at]!, { mode: 0o600 });
    },
  ],
];

const withoutLines = async (count: number) =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1 - count)
    .join('\n');

describe('a nonce file', () => {
  test('that is whole opens no gap: what was accepted is known, what was made before the start is good', async () => {
    const first = await accepted();
    const late = use('late', clock() - 500);
    await opened(async (store) => {
      expect([await claimed(store, first), await claimed(store, late)]).toEqual([false, true]);
    });
  });

  test.each(DAMAGES)(
    '[E16] that %s: nothing is accepted twice, now or after a restart',
    async (_, damage) => {
      await opened(async () => {});
      await copyFile(path, older());
      const first = await accepted();
      await damage();
      const before = use('before', clock() - 500);
      const refusals = async (store: FileNonceStore) => [
        (await thrownBy(() => store.seen(first))).id,
        await claimed(store, first),
        await claimed(store, before),
      ];
      const start = clock();
      await opened(async (store) => {
        expect(store.since).toBe(start);
        expect(await refusals(store)).toEqual([COLD_START, COLD_START, COLD_START]);
        clock.advance(1);
        expect(await claimed(store, use('after'))).toBe(true);
      });
      clock.advance(HOUR);
      await opened(async (store) => {
        expect(store.since).toBe(start);
        expect(await refusals(store)).toEqual([COLD_START, COLD_START, COLD_START]);
        expect(await claimed(store, use('after', start + 1))).toBe(false);
        expect(await claimed(store, use('late', start + 1))).toBe(true);
      });
    },
  );

  test('[E16] that lost lines is a cold start once more if a crash came before that was written down', async () => {
    const first = await accepted();
    const head = await readFile(`${path}.head`);
    await writeFile(path, `${await withoutLines(2)}\n`);
    const cut = await readFile(path);
    await opened(async () => {});
    await writeFile(path, cut); // as if the line about the start had not come to the disk: then neither had the record
    await writeFile(`${path}.head`, head);
    await opened(async (store) => expect(await claimed(store, first)).toBe(COLD_START));
  });

  test('[E16] remembers its start when it is written anew', async () => {
    const start = clock();
    await opened(async (store) => {
      const header = (await readFile(path, 'utf8')).split('\n')[0];
      for (let number = 0; (await readFile(path, 'utf8')).startsWith(header!); number += 100)
        await Promise.all(
          Array.from({ length: 100 }, (_, at) => store.claim(use(`${'n'.repeat(100)}${number + at}`), 1)),
        );
    });
    await opened(async (store) => {
      expect(store.since).toBe(start);
      expect(await claimed(store, use('before', start - 1))).toBe(COLD_START);
    });
  });

  test('[E16] that is new may take what was made before, if it is told to; one that lost something may not', async () => {
    const options = { coldStart: 'accept' } as const;
    const waiting = use('waiting', clock() - HOUR);
    await opened(async (store) => expect(await claimed(store, waiting)).toBe(true), options);
    await opened(async (store) => expect(await claimed(store, waiting)).toBe(false), options);
    await rm(path);
    await opened(async (store) => expect(await claimed(store, waiting)).toBe(COLD_START), options);
  });

  test('[E16] of another kind is refused and left alone', async () => {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, 'notes\n');
    await expect(FileNonceStore.open({ path })).rejects.toMatchObject({ code: 'EFOREIGN' });
    expect(await readFile(path, 'utf8')).toBe('notes\n');
  });
});
