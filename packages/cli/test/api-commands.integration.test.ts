import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Agent,
  authOf,
  DualModeAdapter,
  Invites,
  MemoryClientStore,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import express from 'express';
import { freePort } from '../src/local/free-port.js';
import { dataOf } from './support/call.js';
import { testWhere } from './support/needs.js';
import { runProgram, xlink } from './support/program.js';

const KEY = 'key-of-acme-0123456789';
const has = (command: string, ...args: string[]) => testWhere(spawnSync(command, args).status === 0);
const PYTHON = ['/usr/bin/python3', 'python3'].find(
  (one) => spawnSync(one, ['-c', 'import cryptography, requests']).status === 0,
);

describe('commands that call an API', () => {
  let home: string;
  let server: Server;
  let origin: string;
  let adapter: DualModeAdapter;
  let invites: Invites;
  const received: unknown[] = [];

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'xlink-api-'));
    const app = express();
    server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const agent = await Agent.quickstart({ name: 'orders', registry: new MemoryTrustRegistry() });
    adapter = new DualModeAdapter({
      agent,
      mode: 'hybrid',
      signatures: true,
      clients: new MemoryClientStore(),
      legacyKeyValidator: (key) => (key === KEY ? { userId: 'acme', scopes: ['orders'] } : null),
    });
    invites = new Invites({ agent, url: `${origin}/xlink` });
    app.post('/xlink/invite', express.text({ type: () => true }), async (req, res) => {
      const answer = await invites.handle(
        new Request(`${origin}${req.url}`, { method: 'POST', body: req.body }),
      );
      res
        .status(answer.status)
        .set(Object.fromEntries(answer.headers))
        .send(await answer.text());
    });
    app.post('/xlink', agent.middleware(), (req, res) => {
      received.push((req as { agentMessage?: unknown }).agentMessage);
      res.sendStatus(204);
    });
    app.use(adapter.middleware(), express.json(), express.urlencoded());
    app.all('/orders', (req, res) => {
      const { mode, encrypted = null } = authOf(req) as { mode: string; encrypted?: boolean | null };
      res
        .status(req.query['status'] ? Number(req.query['status']) : 200)
        .json({ method: req.method, mode, encrypted, body: req.body ?? null, header: req.get('x-note') });
    });
    await dataOf(join(home, '.xlink'), 'init', '--name', 'acme');
    await writeFile(join(home, 'key'), `${KEY}\n`, { mode: 0o600 });
  });
  afterAll(async () => {
    await adapter.close();
    server.closeAllConnections();
    server.close();
    await rm(home, { recursive: true, force: true });
  });

  test('connect finds it, verifies it, and says how long that took', async () => {
    const { code, out } = await xlink(home, 'connect', origin, '--key-file', 'key');
    const data = JSON.parse(out);
    expect([code, Object.keys(data)]).toEqual([
      0,
      ['status', 'service', 'did', 'endpoint', 'elapsed_seconds'],
    ]);
    expect(data).toMatchObject({
      status: 'connected',
      service: origin,
      did: expect.stringMatching(/^did:key:z6Mk/),
    });
    const nobody = await xlink(home, 'connect', `http://127.0.0.1:${await freePort()}`);
    expect([nobody.code, nobody.err]).toEqual([4, expect.stringContaining('ECONNREFUSED')]);
    const pinned = await xlink(
      home,
      'connect',
      origin,
      '--pin',
      'did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw',
    );
    expect([pinned.code, pinned.out]).toEqual([3, '']);
  });

  test('curl enrolls with the key once, and seals what it sends', async () => {
    const url = `${origin}/orders`;
    const first = await xlink(
      home,
      'curl',
      '--key-file',
      'key',
      '--json',
      '{"n":1}',
      '-H',
      'X-Note: hello',
      url,
    );
    expect([first.err, first.code]).toEqual(['', 0]);
    expect([first.code, JSON.parse(first.out)]).toEqual([
      0,
      { method: 'POST', mode: 'xlink', encrypted: true, body: { n: 1 }, header: 'hello' },
    ]);
    const read = await xlink(home, 'curl', url);
    expect(JSON.parse(read.out)).toMatchObject({ method: 'GET', mode: 'xlink' });
    const form = await xlink(home, 'curl', '-d', 'a=1', '-d', 'b=2', '-X', 'PUT', url);
    expect(JSON.parse(form.out)).toMatchObject({ method: 'PUT', mode: 'xlink', body: { a: '1', b: '2' } });
    const piped = await xlink(
      { cwd: home, input: '{"piped":true}' },
      'curl',
      '--json',
      '@-',
      '-o',
      'answer.json',
      url,
    );
    expect([piped.code, piped.out]).toEqual([0, '']);
    expect(JSON.parse(await readFile(join(home, 'answer.json'), 'utf8'))).toMatchObject({
      body: { piped: true },
    });
    const failed = await xlink(home, 'curl', '-f', `${url}?status=404`);
    expect([failed.code, failed.out]).toEqual([22, '']);
    const shown = await xlink(home, 'curl', '-i', `${url}?status=404`);
    expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/^HTTP 404/)]);
    expect(first.err + read.err).not.toContain(KEY);
  });

  test('curl --sign seals nothing, and takes the answer that the API signed', async () => {
    const url = `${origin}/orders`;
    await xlink(home, 'curl', '--key-file', 'key', url); // the API knows the identity
    const signed = await xlink(home, 'curl', '--sign', '--json', '{"n":2}', url);
    expect([signed.err, JSON.parse(signed.out)]).toEqual([
      '',
      expect.objectContaining({ method: 'POST', mode: 'xlink', encrypted: false, body: { n: 2 } }),
    ]);
  });

  test('doctor is green against it, and says what is wrong with another one', async () => {
    const green = await xlink(home, 'doctor', '--service', origin);
    expect([green.code, green.out]).toEqual([0, expect.stringMatching(/ok {4}clock[\s\S]*ok {4}placement/)]);
    const bare = createServer((_, res) =>
      res.writeHead(404, { Date: new Date(Date.now() - 60_000).toUTCString() }).end(),
    ).listen(0, '127.0.0.1');
    await once(bare, 'listening');
    try {
      const url = `http://127.0.0.1:${(bare.address() as AddressInfo).port}`;
      const red = await xlink(home, 'doctor', '--service', url, '--json');
      const findings = JSON.parse(red.out);
      expect(red.code).toBe(1);
      expect(findings).toContainEqual(
        expect.objectContaining({
          check: 'clock',
          status: 'fail',
          remedy: expect.stringContaining('chrony'),
        }),
      );
      expect(findings).toContainEqual(
        expect.objectContaining({
          check: 'placement',
          status: 'fail',
          remedy: expect.stringContaining('wellKnown'),
        }),
      );
    } finally {
      bare.close();
    }
    const down = await xlink(home, 'doctor', '--service', 'http://127.0.0.1:1');
    expect([down.code, down.out]).toEqual([1, expect.stringContaining('does not answer')]);
  });

  has(
    PYTHON ?? 'false',
    '-c',
    '',
  )('init --invite --lang python writes a client that is understood', async () => {
    const folder = await mkdtemp(join(home, 'python-'));
    const { code } = await invites.create({ scopes: ['orders'] });
    const made = await xlink(folder, 'init', '--lang', 'python', '--name', 'py', '--invite', code);
    expect([made.code, made.out]).toEqual([0, expect.stringContaining('✓ Created xlink_client.py')]);
    expect(made.out).toContain('✓ Test message sent successfully');
    const ran = await runProgram(PYTHON!, ['xlink_client.py', '/orders'], { cwd: folder });
    expect([ran.code, ran.err]).toEqual([0, '']);
    expect(JSON.parse(ran.out.slice(4))).toMatchObject({ method: 'GET', mode: 'xlink' });
  });

  has('go', 'version')('init --invite --lang go writes a client that is understood', async () => {
    const folder = await mkdtemp(join(home, 'go-'));
    const { code } = await invites.create({ scopes: ['orders'] });
    const made = await xlink(folder, 'init', '--lang', 'go', '--name', 'gopher', '--invite', code);
    expect([made.code, made.out]).toEqual([0, expect.stringContaining('✓ Created main.go')]);
    const ran = await runProgram('go', ['run', '.', '/orders'], {
      cwd: folder,
      env: { GOFLAGS: '-mod=mod', GOPROXY: 'off' },
    });
    expect([ran.code, ran.err]).toEqual([0, '']);
    expect(JSON.parse(ran.out.slice(4))).toMatchObject({ method: 'GET', mode: 'xlink' });
  });

  // Debian has the crates; a machine without them cannot build it, and CI need not have Rust.
  const CRATES = '/usr/share/cargo/registry';
  const canBuild = existsSync(`${CRATES}/ring-0.16.20`) && existsSync(`${CRATES}/ureq-2.6.2`);
  const rustTest = canBuild ? has('cargo', '--version') : test.skip;
  const withoutRust = canBuild ? '' : ' [skipped: cargo, librust-ring-dev or librust-ureq-dev not installed]';
  rustTest(
    `init --invite --lang rust writes a client that is understood${withoutRust}`,
    async () => {
      const folder = await mkdtemp(join(home, 'rust-'));
      const { code } = await invites.create({ scopes: ['orders'] });
      const made = await xlink(folder, 'init', '--lang', 'rust', '--name', 'crab', '--invite', code);
      expect([made.code, made.out]).toEqual([0, expect.stringContaining('✓ Created src/main.rs')]);
      const from = ['source.crates-io.replace-with="debian"', `source.debian.directory="${CRATES}"`];
      const args = ['run', '--quiet', '--offline', ...from.flatMap((each) => ['--config', each]), '/orders'];
      const ran = await runProgram('cargo', args, { cwd: folder });
      expect([ran.code, ran.err]).toEqual([0, '']);
      expect(JSON.parse(ran.out.slice(4))).toMatchObject({ method: 'GET', mode: 'xlink' });
    },
    300_000,
  );

  test('a language that there is no client in is a wrong call', async () => {
    const folder = await mkdtemp(join(home, 'other-'));
    const { code } = await invites.create({ scopes: ['orders'] });
    const made = await xlink(folder, 'init', '--lang', 'cobol', '--invite', code);
    expect([made.code, made.err]).toEqual([
      2,
      expect.stringContaining('--lang is one of typescript, python, go, rust'),
    ]);
  });
});
