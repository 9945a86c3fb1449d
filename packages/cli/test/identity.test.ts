import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Agent, createKeyRecord, Identity, MemoryTrustRegistry } from '@private.me/xlink';
import { FileTrustRegistry } from '@private.me/xlink/file';
import { createRegistryServer } from '@private.me/xlink/server';
import { commands, run } from '../src/index.js';

const TOKEN = 'token-of-the-registry-0123456789';
const seedOf = (name: string) => new Uint8Array(createHash('sha256').update(`cli ${name}`).digest());
const pemOf = (identity: Identity) =>
  `-----BEGIN PRIVATE KEY-----\n${Buffer.from(identity.exportPKCS8()).toString('base64')}\n-----END PRIVATE KEY-----\n`;

async function call(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(['identity', ...args], commands, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** A DID that no registry here has. */
const UNKNOWN = 'did:key:z6MkfyfSEgSdEgacmyokTQ1t8fv5EVn7LEW4EDV9Lbcx9LBg';

describe('xlink identity', () => {
  const registry = () => stored;
  let stored: MemoryTrustRegistry;
  let server: Server;
  let url: string;
  let folder: string;
  let old: Identity;
  let next: Identity;
  const path = (name: string) => join(folder, name);
  const at = () => ['--registry', url, '--token-file', path('token')];
  const succeed = (...more: string[]) =>
    call('succeed', '--old', path('old.pem'), '--new', path('new.der'), ...at(), ...more);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-cli-identity-'));
    stored = new MemoryTrustRegistry();
    const handler = createRegistryServer({ registry: stored, adminToken: TOKEN });
    server = createServer((req, res) => handler(req, res)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    old = await Identity.fromSeed(seedOf('old'), { maxVersion: 3 });
    next = await Identity.fromSeed(seedOf('next'), { maxVersion: 3 });
    await writeFile(path('token'), `${TOKEN}\n`, { mode: 0o600 });
    await writeFile(path('old.pem'), pemOf(old), { mode: 0o600 });
    await writeFile(path('new.der'), next.exportPKCS8(), { mode: 0o600 });
    const entry = { did: old.did, keys: await createKeyRecord(old), sendScopes: ['orders'], name: 'orders' };
    expect((await stored.register(entry)).ok).toBe(true);
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  test('succeed puts the new one in the place of the old one, once and again', async () => {
    const first = await succeed('--overlap', '12h');
    expect([first.code, first.err]).toEqual([0, '']);
    expect(first.out).toMatch(
      new RegExp(`^old {4}${old.did}\nnew {4}${next.did}\nboth are good until 20..-`),
    );
    const entry = registry().lookup(next.did);
    expect(entry).toMatchObject({ sendScopes: ['orders'], name: 'orders', predecessors: [old.did] });
    expect(entry?.keys?.mlDsa65).toBeDefined(); // the version that the old one published
    expect(registry().lookup(old.did)?.succeededBy?.overlapMs).toBe(12 * 3_600_000);
    expect(await succeed()).toEqual(first); // the first statement counts
    for (const text of [first.out, first.err]) expect(text).not.toContain(TOKEN);
  });

  test('check follows it from any DID, and says so when nobody stands for it', async () => {
    expect(await call('check', '--did', old.did, '--registry', url)).toMatchObject({
      code: 0,
      out: `${old.did}  active`,
    });
    await succeed();
    const checked = await call('check', '--did', old.did, '--registry', url);
    expect(checked.code).toBe(0);
    expect(checked.out).toMatch(
      new RegExp(`^${old.did} {2}succeeded, good until .*\n${next.did} {2}active$`),
    );
    await registry().revoke(old.did, { successors: true });
    const revoked = await call('check', '--did', old.did, '--registry', url);
    expect([revoked.code, revoked.out]).toEqual([1, `${old.did}  revoked\n${next.did}  revoked`]);
  });

  test('both take the registry of a file, as xlink transfer does; it is not made, and not left open', async () => {
    const file = path('registry.jsonl');
    const place = ['--registry', `file:${file}`];
    const there = (...more: string[]) =>
      call('succeed', '--old', path('old.pem'), '--new', path('new.der'), ...place, ...more);
    expect(await there()).toMatchObject({ code: 1, err: expect.stringContaining('cannot be read') });
    const opened = new FileTrustRegistry({ path: file });
    await opened.register({ did: old.did, keys: await createKeyRecord(old), sendScopes: ['orders'] });
    expect(await there()).toMatchObject({ code: 5, err: expect.stringContaining(String(process.pid)) });
    await opened.close();
    expect(await there('--overlap', '12h')).toMatchObject({ code: 0, err: '' });
    expect(await call('check', '--did', old.did, ...place)).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        new RegExp(`^${old.did} {2}succeeded, good until .*\n${next.did} {2}active$`),
      ),
    });
    const again = new FileTrustRegistry({ path: file });
    expect(await again.lookup(next.did)).toMatchObject({ sendScopes: ['orders'], predecessors: [old.did] });
    await again.close();
  });

  test.each(['postgres://xlink:hidden@127.0.0.1:1/db', 'redis://:hidden@127.0.0.1:1'])(
    'a store that is away is said without its password: %s',
    async (place) => {
      const { code, err } = await call('check', '--did', old.did, '--registry', place);
      expect([1, 4]).toContain(code); // ioredis does not say that nobody answered
      expect(err).not.toContain('hidden');
    },
  );

  test('the new one cannot commit to itself', async () => {
    const { code, err } = await succeed('--next', next.did);
    expect([code, err]).toEqual([2, expect.stringContaining('--next must be another identity')]);
    expect(registry().lookup(old.did)?.succeededBy).toBeUndefined();
  });

  test('check says whether the last one has committed to its successor', async () => {
    await succeed('--next', old.did);
    const { code, out } = await call('check', '--did', next.did, '--registry', url);
    expect([code, out]).toEqual([0, `${next.did}  active, only the DID that it committed to may succeed it`]);
  });

  test('the agent of a service that holds both goes on as the new one', async () => {
    const agent = new Agent({ identity: old, successor: next, registry: stored });
    expect((await agent.keyRecord()).did).toBe(old.did);
    expect((await succeed('--next', old.did)).code).toBe(0);
    const record = await agent.keyRecord();
    expect([record.did, record.next]).toEqual([next.did, registry().lookup(next.did)?.keys?.next]);
  });

  test('what the registry refuses is a failure that says why', async () => {
    await writeFile(path('wrong'), 'another-token-0123456789', { mode: 0o600 });
    const unauthorized = await call(
      ...['succeed', '--old', path('old.pem'), '--new', path('new.der'), '--registry', url],
      ...['--token-file', path('wrong')],
    );
    expect([unauthorized.code, unauthorized.err]).toEqual([1, expect.stringContaining('admin token')]);
    for (const text of [url, '--token-file FILE', 'XLINK_REGISTRY_TOKEN'])
      expect(unauthorized.err).toContain(text);
    for (const text of [TOKEN, 'another-token', 'authToken']) expect(unauthorized.err).not.toContain(text);
    const itself = await call('succeed', '--old', path('old.pem'), '--new', path('old.pem'), ...at());
    expect([itself.code, itself.err]).toEqual([2, expect.stringContaining('--new must be another identity')]);
    await registry().add(next.did);
    const inUse = await succeed();
    expect([inUse.code, inUse.err]).toEqual([1, expect.stringContaining('in the registry already')]);
    const unknown = await call('succeed', '--old', path('new.der'), '--new', path('old.pem'), ...at());
    expect(unknown.code).toBe(1);
    const stranger = await call('check', '--did', UNKNOWN, '--registry', url);
    expect([stranger.code, stranger.err]).toEqual([1, expect.stringContaining('is not in the registry')]);
  });

  test('show prints the DID of a file, PEM or DER, and makes none', async () => {
    for (const [file, { did }] of [
      ['old.pem', old],
      ['new.der', next],
    ] as const)
      expect(await call('show', path(file))).toEqual({ code: 0, out: did, err: '' });
    expect((await call('show', path('absent.pem'))).code).toBe(2);
    await expect(readFile(path('absent.pem'))).rejects.toThrow('ENOENT');
  });

  test.each([
    ['succeed', () => ['--old', path('old.pem'), '--new', path('new.der')]],
    ['check', () => ['--did', old.did]],
  ])('%s says which registry could not be asked, and why', async (name, args) => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const away = `http://127.0.0.1:${port}`;
    const { code, err } = await call(name, ...args(), '--registry', away, '--token-file', path('token'));
    expect([code, err]).toEqual([
      4,
      expect.stringContaining(`the trust registry at ${away} could not be asked`),
    ]);
    expect(err).toContain(`because: connect ECONNREFUSED 127.0.0.1:${port}`);
    expect(err).not.toContain(TOKEN);
    const down = await call(name, ...args(), '--registry', `${url}/nowhere`, '--token-file', path('token'));
    expect(down.err).toMatch(/could not be asked\n {2}because: the registry answered with status 404/);
  });

  test('a key that openssl made is taken', async () => {
    const pem = path('openssl.pem');
    try {
      await promisify(execFile)('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', pem]);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return;
      throw error;
    }
    const { out: did } = await call('show', pem);
    const done = await call('succeed', '--old', path('old.pem'), '--new', pem, ...at());
    expect([done.code, done.err, done.out]).toEqual([0, '', expect.stringContaining(did)]);
  });

  test.each([
    [[], 'succeed, check or show is required'],
    [['rotate'], 'there are succeed, check and show'],
    [['show'], 'show takes one file'],
    [['show', 'x', 'y'], 'show takes one file'],
    [['show', '--new', 'x'], 'there is no option --'],
    [['show', 'no such file'], 'there is no file no such file'],
    [['succeed', '--old', 'no such file', '--new', 'y', '--registry', 'https://x'], 'there is no file'],
    [['succeed'], '--old is required'],
    [['succeed', '--old', 'x'], '--new is required'],
    [['succeed', '--old', 'x', '--new', 'y', '--overlap', '91d'], '--overlap must be'],
    [['succeed', '--old', 'x', '--new', 'y', '--overlap', '-1d'], 'overlap'],
    [['succeed', '--old', 'x', '--new', 'y', '--new-version', '4'], '--new-version must be'],
    [['succeed', '--old', 'x', '--new', 'y', '--next', 'did:web:x'], '--next must be'],
    [['succeed', '--old', 'x', '--new', 'y'], '--registry is required'],
    [['succeed', '--token', 'x'], 'there is no option --'],
    [['check'], '--did is required'],
    [['check', '--did', 'acme', '--registry', 'https://x'], '--did must be a did:key'],
    [
      ['check', '--did', UNKNOWN, '--registry', '127.0.0.1:1'],
      '--registry: HttpTrustRegistry: baseUrl must be',
    ],
    [['show', '/'], '/: EISDIR'],
    [
      ['check', '--did', UNKNOWN, '--registry', 'https://x', '--token-file', '/no/such'],
      '--token-file /no/such: there is no such file',
    ],
  ])('%j is a wrong call', async (args, text) => {
    const { code, err } = await call(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(text)]);
  });

  test('a file that holds no key is named, and not quoted', async () => {
    await writeFile(
      path('old.pem'),
      '-----BEGIN PRIVATE KEY-----\nc2VjcmV0LWNhbmFyeQ==\n-----END PRIVATE KEY-----\n',
    );
    const { code, err } = await succeed();
    expect([code, err.split('\n')[0]]).toEqual([
      2,
      expect.stringMatching(/not a PKCS#8 .* unencrypted PEM .*old\.pem/),
    ]);
    expect(err).not.toContain('c2VjcmV0');
  });

  test('--help names every option and fits a terminal', async () => {
    const { out } = await call('--help');
    for (const option of ['--old', '--new', '--registry', '--token-file', '--overlap', '--next', '--did'])
      expect(out).toContain(option);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
  });
});
