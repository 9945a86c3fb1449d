import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { FileOperationsStore, makeFolder } from '@private.me/xlink/file';
import { temporaryFolder } from '../support/temporary-folder.js';

test('makes a folder and those above it, for its owner alone, and says which was the first', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'a', 'b', 'c');
  expect(await makeFolder(path)).toBe(join(folder, 'a'));
  for (const each of [path, join(folder, 'a')]) expect((await stat(each)).mode & 0o777).toBe(0o700);
  expect(await makeFolder(path)).toBeUndefined();
  const all = await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(folder, 'd', 'e'))));
  expect(all.filter((first) => first !== undefined).length).toBeGreaterThan(0);
});

test('where the system lets none be made, it ends', async () => {
  await expect(makeFolder('/proc/x/y')).rejects.toMatchObject({ code: 'ENOENT' });
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  await expect(makeFolder(file)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(file, 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  const store = new FileOperationsStore('/proc/x/store.jsonl');
  await expect(store.list('a')).rejects.toThrow();
});
