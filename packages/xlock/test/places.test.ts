// Two shares in one place overwrite each other: a place is refused that is there already, however it is written.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openHome } from '../src/cli/home.js';
import { ran } from './in-process.js';
import { temporaryFolder } from './support.js';

const stored = (...places: string[]) => places.flatMap((place) => ['--store', place]);
const owner = { service: 'https://acme.com', userId: 'ada' };

test('rotate --without takes no store that it leaves, or that is there: the passkey is as it was', async () => {
  const home = join(await temporaryFolder(), 'home');
  await ran(home, 'init', ...stored('file:a', 'file:b'));
  const { device, vault, close } = await openHome(home, {}, () => {});
  await vault.generatePasskey(owner);
  for (const other of ['file:a', 'file:./a', `file:${home}/a`, 'file:b', 'file:x/../b/'])
    await expect(ran(home, 'rotate', '--without', 'file:a', '--store', other)).rejects.toThrow(
      `${other} is the same place as file:`,
    );
  await expect(ran(home, 'rotate', '--without', 'file:a', ...stored('file:c', 'file:./c'))).rejects.toThrow(
    'file:./c is the same place as file:c',
  );
  expect(await vault.audit(owner)).toMatchObject({ isWhole: true, good: 2 });
  expect(await device.recover(owner)).toMatchObject({ problems: [] }); // it is known from now on, and moves
  close();
  expect((await ran(home, 'rotate', '--without', 'file:a', '--store', 'file:c')).code).toBe(0);
  expect(await ran(home, 'audit')).toMatchObject({ said: expect.stringContaining('2 good, 2 needed') });
});

test.each([
  ['file:a', 'file:./a'],
  ['file:a', 'file:a/'],
  ['https://dav.example/x', 'https://DAV.example:443/x/'],
  ['s3:https://s3.example/b', 's3:https://S3.example:443/b'],
])('init takes %s and %s for one place', async (one, other) => {
  const home = join(await temporaryFolder(), 'home');
  await expect(ran(home, 'init', ...stored(one, other, 'file:z'))).rejects.toThrow(
    `${other} is the same place as ${one}`,
  );
  await ran(home, 'init', ...stored(one, 'file:z'));
  await expect(ran(home, 'init', ...stored(other))).rejects.toThrow('is the same place as');
  const config = JSON.parse(await readFile(join(home, 'config.json'), 'utf8'));
  expect(config.stores).toEqual([one, 'file:z']);
});
