import { readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { identityFromFile } from '@private.me/xlink';
import { thrownBy } from '../../support/results.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('[E15] of many that want an identity that is not there, all get the same one, and nothing else is left', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'deep', 'identity.pkcs8');
  const identities = await Promise.all(Array.from({ length: 10 }, () => identityFromFile(path)));
  expect(new Set(identities.map(({ did }) => did)).size).toBe(1);
  expect((await identityFromFile(path)).did).toBe(identities[0]!.did);
  expect(await readdir(join(folder, 'deep'))).toEqual(['identity.pkcs8']);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('[E15] the identity is made where a link leads', async () => {
  const folder = await temporaryFolder();
  const [link, target] = [join(folder, 'link'), join(folder, 'target')];
  await symlink(target, link);
  const { did } = await identityFromFile(link);
  expect((await identityFromFile(target)).did).toBe(did);
});

test('a file of another kind is refused', async () => {
  const path = join(await temporaryFolder(), 'identity.pkcs8');
  await writeFile(path, 'notes');
  expect((await thrownBy(() => identityFromFile(path))).id).toBe('INVALID_PKCS8');
});
