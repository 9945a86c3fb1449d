import { createPrivateKey } from 'node:crypto';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { fileIdentity, Identity, identityFromFile } from '@private.me/xlink';
import { AgentSource } from '../../../src/client/caller.js';
import { identityOf } from '../../support/agents.js';
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

test('the file may be PEM, and stays as it is', async () => {
  const { path, pem, did } = await pemFile();
  expect((await identityFromFile(path)).did).toBe(did);
  const kept = fileIdentity(path);
  expect((await Identity.fromPKCS8((await kept.load())!)).did).toBe(did);
  expect(await readFile(path, 'utf8')).toBe(pem);
});

test.each([
  ['notes', 'notes'],
  ['nothing', ''],
  [
    'a key with a passphrase',
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n',
  ],
])('a file that holds %s is refused, and named', async (_, content) => {
  const { path } = await pemFile();
  await writeFile(path, content);
  const loading = new AgentSource({ baseUrl: 'https://api.example', identity: fileIdentity(path) });
  for (const load of [() => identityFromFile(path), () => loading.get()]) {
    const { id, message } = await thrownBy(load);
    expect([id, message]).toEqual(['INVALID_PKCS8', expect.stringContaining(path)]);
    expect(message).toContain('unencrypted PEM');
    expect(message).not.toContain('c2VjcmV0');
  }
});

/** A file as `openssl genpkey -algorithm ed25519` writes it. */
async function pemFile() {
  const path = join(await temporaryFolder(), 'next.pem');
  const identity = await identityOf('next');
  const der = Buffer.from(identity.exportPKCS8());
  const pem = String(
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }),
  );
  await writeFile(path, pem);
  return { path, pem, did: identity.did };
}
