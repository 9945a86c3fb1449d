// Where shares lie: encrypted files, S3, WebDAV. Real files and real HTTP.
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  EncryptedFileBackend,
  HttpBackend,
  MemoryBackend,
  S3Backend,
  type XStoreBackend,
} from '../src/index.js';
import { signedHeaders } from '../src/stores/sigv4.js';
import { fakeS3 } from './fake-s3.js';
import { bytesOf, idOf, listen, temporaryFolder, vaultOn } from './support.js';

const NAME = `xlock-${'0'.repeat(32)}`;
const SHARE = Uint8Array.from({ length: 436 }, (_, at) => at);

async function behaves(store: XStoreBackend): Promise<void> {
  expect(await store.get(NAME)).toBeUndefined();
  await store.put(NAME, SHARE);
  expect(await store.get(NAME)).toEqual(SHARE);
  await store.put(NAME, SHARE.subarray(1));
  expect(await store.get(NAME)).toEqual(SHARE.subarray(1));
  await store.delete(NAME);
  await store.delete(NAME);
  expect(await store.get(NAME)).toBeUndefined();
}

test('memory', () => behaves(new MemoryBackend()));

test('encrypted files: by a passphrase, and by a key file', async () => {
  const folder = await temporaryFolder();
  const keyFile = join(folder, 'key', 'xlock.key');
  const byPhrase = new EncryptedFileBackend({ folder, passphrase: 'correct horse', scryptLogN: 15 });
  const byKey = new EncryptedFileBackend({ folder: join(folder, 'b'), keyFile });
  await behaves(byPhrase);
  await behaves(byKey);
  await byPhrase.put(NAME, SHARE);
  const file = join(folder, `${NAME}.xshare`);
  const text = await readFile(file);
  expect(text.includes(Buffer.from(SHARE.subarray(0, 32)))).toBe(false);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);

  const wrong = new EncryptedFileBackend({ folder, passphrase: 'incorrect horse', scryptLogN: 15 });
  expect(await idOf(wrong.get(NAME))).toBe('SHARE_UNREADABLE');
  for (const at of [5, 30, 60, text.length - 1]) {
    const changed = Buffer.from(text);
    changed[at]! ^= 1;
    await writeFile(file, changed);
    expect([at, await idOf(byPhrase.get(NAME))]).toEqual([at, 'SHARE_UNREADABLE']);
  }
  // A file under the name of another share is no share of that name.
  await writeFile(join(folder, `xlock-${'1'.repeat(32)}.xshare`), text);
  expect(await idOf(byPhrase.get(`xlock-${'1'.repeat(32)}`))).toBe('SHARE_UNREADABLE');

  await byKey.put(NAME, SHARE);
  await chmod(keyFile, 0o644);
  expect(await idOf(byKey.get(NAME))).toBe('SHARE_UNREADABLE');
  expect(() => new EncryptedFileBackend({ folder })).toThrow('one of passphrase and keyFile');
  expect(() => new EncryptedFileBackend({ folder, passphrase: 'short' })).toThrow('at least 8');
});

const S3 = {
  region: 'eu-central-1',
  bucket: 'shares',
  accessKeyId: 'AKIA',
  secretAccessKey: 'wJalrXUtnFEMI',
};

test('S3: signed so that a server with code of its own agrees', async () => {
  const s3 = fakeS3({ AKIA: S3.secretAccessKey }, 'shares', Date.now);
  const { url } = await listen((request, response) => void s3.handler(request, response));
  await behaves(new S3Backend({ endpoint: url, ...S3 }));
  await behaves(new S3Backend({ endpoint: url, ...S3, prefix: 'a b/ü*/', sessionToken: 'temporary+/=' }));
  expect(s3.refused).toEqual([]);
  const refused = async (options: object) =>
    idOf(new S3Backend({ endpoint: url, ...S3, ...options }).get(NAME));
  expect(await refused({ secretAccessKey: 'another' })).toContain('status 403');
  expect(await refused({ accessKeyId: 'AKIB' })).toContain('status 403');
  expect(await refused({ clock: () => Date.now() - 3_600_000 })).toContain('status 403');
  expect(s3.refused).toEqual(['SignatureDoesNotMatch', 'InvalidAccessKeyId', 'RequestTimeTooSkewed']);
  const lost = new S3Backend({ endpoint: url, ...S3, bucket: 'none' });
  expect(await idOf(lost.put(NAME, SHARE))).toContain('no such bucket');
  expect(() => new S3Backend({ endpoint: 'http://s3.example', ...S3 })).toThrow('https');
});

test('the published example of Signature Version 4 for S3 comes out the same', () => {
  // Amazon S3 API reference, "Signature Calculations for the Authorization Header", GET Object.
  const scope = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    sessionToken: undefined,
    region: 'us-east-1',
    service: 's3',
  };
  const url = new URL('https://examplebucket.s3.amazonaws.com/test.txt');
  const now = Date.parse('2013-05-24T00:00:00Z');
  const headers = signedHeaders(scope, 'GET', url, new Uint8Array(0), now, { range: 'bytes=0-9' });
  expect(headers['authorization']).toContain(
    'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  );
});

test('HTTP and WebDAV: with a password, without following anybody', async () => {
  const files = new Map<string, Buffer>();
  const authorization = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
  const { url } = await listen(async (request, response) => {
    const body = await bytesOf(request);
    if (request.headers.authorization !== authorization) return response.writeHead(401).end();
    if (request.url!.startsWith('/moved/')) return response.writeHead(302, { location: '/dav/' }).end();
    if (request.url!.startsWith('/huge/')) return response.end(Buffer.alloc(100_000));
    if (!request.url!.startsWith('/dav/')) return response.writeHead(404).end();
    const found = files.get(request.url!);
    if (request.method === 'PUT') files.set(request.url!, body);
    if (request.method === 'DELETE') files.delete(request.url!);
    if (request.method === 'PUT') return response.writeHead(201).end();
    return response.writeHead(found ? 200 : 404).end(found);
  });
  await behaves(new HttpBackend({ url: `${url}/dav`, authorization }));
  expect(await idOf(new HttpBackend({ url: `${url}/dav` }).get(NAME))).toContain('status 401');
  expect(await idOf(new HttpBackend({ url: `${url}/moved`, authorization }).get(NAME))).toContain(
    'fetch failed',
  );
  expect(await idOf(new HttpBackend({ url: `${url}/huge`, authorization }).get(NAME))).toContain(
    'more than a share',
  );
  expect(await idOf(new HttpBackend({ url: `${url}/none`, authorization }).put(NAME, SHARE))).toContain(
    'no such folder',
  );
  expect(() => new HttpBackend({ url: 'http://dav.example' })).toThrow('https');
  expect(() => new HttpBackend({ url: 'https://user:pass@dav.example' })).toThrow('use authorization');
});

test('a passkey over a file, S3 and WebDAV; any two of them do', async () => {
  const s3 = fakeS3({ AKIA: S3.secretAccessKey }, 'shares', Date.now);
  const [{ url }, dav] = [
    await listen((request, response) => void s3.handler(request, response)),
    await listen(async (request, response) => {
      const body = await bytesOf(request);
      if (request.method === 'PUT') kept.set(request.url!, body);
      const found = kept.get(request.url!);
      response.writeHead(found ? 200 : 404).end(request.method === 'GET' ? found : undefined);
    }),
  ];
  const kept = new Map<string, Buffer>();
  const folder = await temporaryFolder();
  const stores = [
    new EncryptedFileBackend({ folder, keyFile: join(folder, 'key') }),
    new S3Backend({ endpoint: url, ...S3 }),
    new HttpBackend({ url: dav.url }),
  ];
  const vault = vaultOn(stores);
  const owner = { service: 'https://acme.com', userId: 'ada' };
  expect(await vault.generatePasskey(owner)).toMatchObject({ stored: ['file', 's3', 'http'] });
  dav.server.closeAllConnections();
  dav.server.close();
  expect(await vault.signChallenge({ ...owner, message: SHARE })).toMatchObject({ faulty: ['http'] });
  s3.objects.clear();
  expect(await idOf(vault.signChallenge({ ...owner, message: SHARE }))).toBe('PASSKEY_RECONSTRUCTION_FAILED');
});
