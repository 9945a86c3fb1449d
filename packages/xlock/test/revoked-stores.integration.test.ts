// An admin revokes a store; devices tell, and move their shares away. The server, the command and the store are real.
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { HttpBackend, isRevoked, MemoryBackend, revokedStores, S3Backend, shareStore } from '../src/index.js';
import { ask, started, xlock } from './serve-world.js';
import { serverWorld } from './server-world.js';
import { idOf, listen, temporaryFolder } from './support.js';

test('a store is revoked, audit tells, the shares move to another one, and logins go on', async () => {
  const asked: string[] = [];
  const handle = shareStore({ path: '/shares' });
  const { url } = await listen((req, res) => {
    asked.push(req.method!);
    handle(req, res);
  });
  const folder = await temporaryFolder();
  const home = join(folder, 'home');
  const place = `${url}/shares`;
  const file = (name: string) => `file:${join(folder, name)}`;
  await xlock(home, 'init', ...[file('a'), file('b'), place].flatMap((one) => ['--store', one]));
  const server = await started(await temporaryFolder(), '--origin', 'http://localhost:9');
  // The server says where it is reached: start it anew at the port that it got.
  await server.end('SIGTERM');
  const { port } = new URL(server.url);
  const data = await temporaryFolder();
  const { url: origin, token } = await started(data, '--port', port, '--origin', server.url);
  const registration = await ask(origin, token, '/v1/register/challenge', { userId: 'ada' });
  expect((await xlock(home, 'register', registration.appLink)).code).toBe(0);
  expect(await xlock(home, 'audit')).toMatchObject({ code: 0, said: expect.not.stringContaining('REVOKED') });

  await ask(origin, token, '/v1/backends/revoke', { url, reason: 'the company was sold' });
  expect(await xlock(home, 'audit')).toMatchObject({
    code: 3,
    said: expect.stringMatching(new RegExp(`good +3:${place} +REVOKED`)),
  });
  expect((await xlock(home, 'rotate', '--without', 'file:nowhere')).code).toBe(2);
  const moved = await xlock(home, 'rotate', '--without', place, '--store', file('c'));
  expect(moved).toMatchObject({ code: 0, said: expect.stringContaining(file('c')) });
  expect(asked.at(-1)).toBe('DELETE');
  const audit = await xlock(home, 'audit');
  expect(audit).toMatchObject({ code: 0, said: expect.stringContaining('3 good, 2 needed, 1 to spare') });
  expect(audit.said).not.toContain(place);

  const login = await ask(origin, token, '/v1/auth/challenge', { userId: 'ada' });
  const said = ['--seen', new URL(origin).host, '--digits', login.match];
  expect((await xlock(home, 'approve', login.appLink, ...said)).code).toBe(0);
  expect(await ask(origin, token, `/v1/auth/${login.id}`)).toMatchObject({ state: 'approved' });
}, 180_000); // many programs are started

test('where too few stores are left nothing is changed', async () => {
  const folder = await temporaryFolder();
  const home = join(folder, 'home');
  const [a, b] = [`file:${join(folder, 'a')}`, `file:${join(folder, 'b')}`];
  await xlock(home, 'init', '--store', a, '--store', b);
  expect(await xlock(home, 'rotate', '--without', a)).toMatchObject({
    code: 2,
    said: expect.stringContaining('add one'),
  });
});

test('the list is that of the service: another signature, another origin, an old one, are refused', async () => {
  const { url, server, call } = await serverWorld();
  await call('POST', '/v1/backends/revoke', { url: 'https://dav.example/xlock' });
  const verifier = await server.parts.verifier.did();
  expect(await revokedStores(url, { verifier })).toMatchObject([
    { url: 'https://dav.example/xlock', reason: '' },
  ]);
  const list = await (await fetch(`${url}/v1/backends`)).json();
  const answering = (change: object, clock = Date.now) =>
    idOf(
      revokedStores(url, {
        verifier,
        clock,
        fetch: (async () => new Response(JSON.stringify({ ...list, ...change }))) as typeof fetch,
      }),
    );
  expect(await answering({})).toBeUndefined();
  for (const change of [
    { revoked: [] },
    { origin: 'https://other.example' },
    { issuedAt: list.issuedAt + 1 },
    { signature: 'x' },
    { revoked: 7 },
  ])
    expect([change, await answering(change)]).toEqual([change, 'RESPONSE_SIGNATURE_INVALID']);
  expect(await answering({}, () => Date.now() + 700_000)).toBe('RESPONSE_SIGNATURE_INVALID');
  const { url: silent } = await listen((_req, res) => void res.writeHead(404).end());
  expect(await revokedStores(silent, { verifier })).toEqual([]);
  for (const status of [429, 500, 502, 503]) {
    const { url: busy } = await listen((_req, res) => void res.writeHead(status).end('{}'));
    await expect(revokedStores(busy, { verifier })).rejects.toMatchObject({
      id: 'SERVICE_UNREACHABLE',
      details: { url: `${busy}/v1/backends`, status },
    });
  }
});

test('a URL means all below it, and nothing beside it', () => {
  const [revoked, bucket] = [
    [{ url: 'https://dav.example/a', reason: '', revokedAt: 1 }],
    [{ url: 'https://s3.example/b', reason: '', revokedAt: 1 }],
  ];
  const at = (url: string) => isRevoked(new HttpBackend({ url }), revoked);
  expect([
    at('https://dav.example/a'),
    at('https://dav.example/a/b/'),
    at('https://dav.example/ab'),
    at('https://dav.example'),
  ]).toEqual([true, true, false, false]);
  for (const spelling of [
    'https://DAV.example:443/a',
    'https://dav.example/a//',
    'https://dav.example/x/../a',
  ])
    expect([
      isRevoked(new HttpBackend({ url: spelling }), revoked),
      isRevoked(new HttpBackend({ url: 'https://dav.example/a' }), [{ ...revoked[0]!, url: spelling }]),
    ]).toEqual([true, true]);
  const s3 = new S3Backend({
    endpoint: 'https://s3.example',
    region: 'x',
    bucket: 'b',
    accessKeyId: 'k',
    secretAccessKey: 's',
  });
  const prefix = [{ ...bucket[0]!, url: 'https://s3.example/b/xlock' }];
  expect([isRevoked(s3, prefix), isRevoked(s3, [{ ...bucket[0]!, url: 'https://s3.example/b/x' }])]).toEqual([
    true,
    false,
  ]);
  expect([isRevoked(s3, bucket), isRevoked(s3, revoked), isRevoked(new MemoryBackend('m'), bucket)]).toEqual([
    true,
    false,
    false,
  ]);
});
