import { once } from 'node:events';
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Agent, GatewayTransport, HttpTrustRegistry } from '@private.me/xlink';
import { WebSocket } from 'ws';
import { openStorage } from '../../src/server/storage.js';
import { smallDisk } from '../support/needs.js';
import { runServer, startServer } from './program.js';
import { afterTest, request, temporaryFolder, unwrap } from './support.js';

// Needs the built packages: `npm run build`.
describe('xlink serve, as a program', () => {
  test('shows the admin token once, keeps its DID, and ends in good order', async () => {
    const data = await temporaryFolder();
    const first = await startServer(['--data', data]);
    expect(first.adminToken).toMatch(/^xlk_/);
    expect((await request(first.url, 'GET', '/v1/me', { token: first.adminToken })).json.role).toBe('admin');
    expect(await first.end('SIGTERM')).toBe(0);
    const second = await startServer(['--data', data]);
    expect([second.did, second.adminToken]).toEqual([first.did, undefined]);
    expect((await request(second.url, 'GET', '/v1/me', { token: first.adminToken })).status).toBe(200);
    expect(await second.end('SIGINT')).toBe(0);
    for (const name of ['identity.pkcs8', 'server.jsonl', 'registry.jsonl', 'messages.jsonl'])
      expect((await stat(join(data, name))).mode & 0o777).toBe(0o600);
    const lines = second
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{"time"'));
    expect(lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'request')).toMatchObject({
      level: 'info',
      method: 'GET',
      route: 'me',
      status: 200,
    });
  });

  test('writes the token into a file of its owner, and makes another when all are lost', async () => {
    const data = await temporaryFolder();
    const file = join(data, 'admin-token');
    const first = await startServer(['--data', join(data, 'x'), '--admin-token-file', file]);
    expect(first.adminToken).toBeUndefined();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const token = (await readFile(file, 'utf8')).trim();
    expect(first.output()).not.toContain(token);
    expect((await request(first.url, 'GET', '/v1/me', { token })).json.role).toBe('admin');
    await first.end('SIGTERM');
    const second = await startServer(['--data', join(data, 'x'), '--new-admin-token']);
    expect((await request(second.url, 'GET', '/v1/me', { token: second.adminToken })).json.role).toBe(
      'admin',
    );
    await second.end('SIGTERM');
  });

  test('ends while requests are under way, and answers them', async () => {
    const server = await startServer(['--data', await temporaryFolder()]);
    const waiting = request(server.url, 'GET', '/registry/changes?wait=20000');
    const { json } = await waiting; // the first answer comes at once: it says where changes begin
    const later = request(
      server.url,
      'GET',
      `/registry/changes?wait=20000&after=${json.server}.${json.position}`,
    );
    await pause(200);
    const began = performance.now();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
    expect([200, 503]).toContain((await later).status);
  });

  test('ends at once with sockets of the relay that are open', async () => {
    const server = await startServer(['--data', await temporaryFolder()]);
    const registry = new HttpTrustRegistry({ baseUrl: server.url, authToken: server.adminToken! });
    const transport = new GatewayTransport({ relayUrl: server.url, webSocket: WebSocket, backoff: () => 20 });
    const agent = await Agent.quickstart({ registry, transport });
    const received = new Promise((resolve) => agent.onMessage(({ payload }) => resolve(payload)));
    unwrap(await agent.send({ to: agent.did, payload: 'over the socket' }));
    expect(await received).toBe('over the socket');
    const began = performance.now();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
    agent.dispose();
  });

  test('behind a proxy, tells callers apart by what the proxy wrote last', async () => {
    const args = ['--behind-proxy', '--requests-per-address', '2', '--data', await temporaryFolder()];
    const server = await startServer(args);
    const ask = async (forwarded: string) =>
      (await request(server.url, 'GET', '/health', { headers: { 'x-forwarded-for': forwarded } })).status;
    for (const made of ['9.9.9.1', '9.9.9.2', '9.9.9.3']) await ask(`${made}, 1.1.1.1`);
    expect([await ask('1.1.1.1'), await ask('2.2.2.2')]).toEqual([429, 200]);
    await server.end('SIGTERM');
  });

  test('a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    afterTest(() => other.close());
    const { port } = other.address() as AddressInfo;
    const data = join(await temporaryFolder(), 'data');
    const { code, output } = await runServer(['--port', String(port), '--data', data]);
    expect(code).toBe(5);
    expect(output).toMatch(
      /port \d+ of 127.0.0.1 is in use: end the other program, or choose another --port/,
    );
    await expect(stat(data)).rejects.toThrow(); // nothing was made
  });

  test('a second server on the same files waits, says for whom, and gives up', async () => {
    const data = await temporaryFolder();
    const first = await startServer(['--data', data]);
    const { code, output } = await runServer(['--port', '0', '--data', data]);
    expect([code, /is held by process \d+.*waiting for 10 s/.test(output)]).toEqual([5, true]);
    expect((await request(first.url, 'GET', '/health')).status).toBe(200);
    await first.end('SIGTERM');
  });

  test('a second server on the same files goes on when the first one ends', async () => {
    const data = await temporaryFolder();
    const first = await startServer(['--data', data]);
    const second = startServer(['--data', data]);
    await pause(500);
    await first.end('SIGTERM');
    expect((await second).did).toBe(first.did);
    await (await second).end('SIGTERM');
  });

  test.each([
    [['--port', 'x'], /--port must be a whole number from 0 to 65535/],
    [['--store', 'mysql://x'], /--store is postgres:\/\/… or redis:\/\/…/],
    [['--mode', 'observe'], /--mode is hybrid, deprecation or xlink-only/],
    [['--public-url', 'ftp://x'], /--public-url is a URL such as/],
    [['--log-level', 'loud'], /--log-level is one of debug, info, warn, error/],
    [['--agent-key-file', '/does/not/exist'], /there is no such file/],
    [['--nonsense'], /nonsense/],
  ])('a wrong call: %j', async (args, message) => {
    const { code, output } = await runServer([...args, '--data', join(await temporaryFolder(), 'data')]);
    expect(code).toBe(2);
    expect(output).toMatch(message);
    expect(output).toMatch(/see xlink serve --help/);
  });

  test('a key file that others can read, or that holds no key', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'key');
    await writeFile(file, 'ab'.repeat(32), { mode: 0o644 });
    const open = await runServer(['--port', '0', '--data', folder, '--agent-key-file', file]);
    expect([open.code, /Others on this machine can read it.*chmod 600/.test(open.output)]).toEqual([6, true]);
    const wrong = await runServer(['--port', '0', '--data', folder], {
      env: { XLINK_AGENT_KEY: 'secret-canary' },
    });
    expect([wrong.code, /must hold 32 bytes/.test(wrong.output)]).toEqual([2, true]);
    expect(wrong.output).not.toContain('secret-canary');
    const env = (byte: string) => ({ env: { XLINK_AGENT_KEY: byte.repeat(32) } });
    const first = await startServer(['--data', join(folder, 'd')], env('07'));
    await request(first.url, 'POST', '/v1/agents', { token: first.adminToken, body: { name: 'a' } });
    await first.end('SIGTERM');
    const other = await runServer(['--port', '0', '--data', join(folder, 'd')], env('08'));
    expect([other.code, /The keys of an agent do not open/.test(other.output)]).toEqual([1, true]);
  });

  test('an identity that others can read, and data that they can change', async () => {
    const data = await temporaryFolder();
    const first = await startServer(['--data', data]);
    await first.end('SIGTERM');
    const identity = join(data, 'identity.pkcs8');
    const quiet = { out: () => {}, err: () => {} };
    const opened = (identityFile?: string) =>
      openStorage({ data, identityFile }, quiet).then(
        async (storage) => storage.close(),
        (error: { id: string; message: string }) => error,
      );
    const refused = async (path: string, mode: number, identityFile?: string) => {
      const before = (await stat(path)).mode & 0o777;
      await chmod(path, mode);
      const error = await opened(identityFile);
      await chmod(path, before);
      return [error?.id, error?.message.includes(path)];
    };
    expect(await refused(identity, 0o644)).toEqual(['KEY_FILE_OPEN', true]);
    expect(await refused(data, 0o777)).toEqual(['WRITABLE_BY_OTHERS', true]);
    expect(await refused(join(data, 'server.jsonl'), 0o620)).toEqual(['WRITABLE_BY_OTHERS', true]);
    expect(await refused(join(data, 'audit'), 0o702)).toEqual(['WRITABLE_BY_OTHERS', true]);
    const elsewhere = join(await temporaryFolder(), 'id');
    await copyFile(identity, elsewhere);
    expect(await refused(elsewhere, 0o640, elsewhere)).toEqual(['KEY_FILE_OPEN', true]);
    await chmod(identity, 0o644);
    const { code, output } = await runServer(['--port', '0', '--data', data]);
    expect([code, output.includes(identity)]).toEqual([6, true]);
    await chmod(identity, 0o600);
    const again = await startServer(['--data', data]);
    expect(again.did).toBe(first.did);
    await again.end('SIGTERM');
  });

  test('a folder that cannot be made', async () => {
    const { code, output } = await runServer(['--port', '0', '--data', '/proc/x/y']);
    expect([code, /\/proc\/x\/y: No folder can be made there/.test(output)]).toEqual([8, true]);
  });

  test('a data folder that is lost: at the start, in part, and while it runs', async () => {
    const folder = await temporaryFolder();
    const data = join(folder, 'data');
    const absent = await runServer(['--port', '0', '--data', data, '--existing']);
    expect([absent.code, /the data folder is lost or not mounted/.test(absent.output)]).toEqual([1, true]);

    const server = await startServer(['--data', data]);
    await server.end('SIGTERM');
    await rename(join(data, 'identity.pkcs8'), join(folder, 'identity.pkcs8'));
    const partly = await runServer(['--port', '0', '--data', data]);
    expect([partly.code, /restore it from a backup/.test(partly.output)]).toEqual([1, true]);
    await rename(join(folder, 'identity.pkcs8'), join(data, 'identity.pkcs8'));

    await rm(join(data, 'server.jsonl'));
    const emptied = await runServer(['--port', '0', '--data', data]);
    expect([emptied.code, /server\.jsonl/.test(emptied.output)]).toEqual([1, true]);

    const other = join(folder, 'other');
    await mkdir(other);
    const running = await startServer(['--data', other]);
    const token = running.adminToken;
    await rm(other, { recursive: true });
    const sent = await request(running.url, 'PUT', '/v1/services/a', {
      token,
      body: { url: 'https://a.example' },
    });
    expect(sent.status).toBe(503);
    expect(await running.end('SIGCONT')).toBe(1); // by itself
    expect(running.output()).toMatch(/a store cannot go on; nothing that was not written was acknowledged/);
  });

  describe('a disk that is full', () => {
    const disk = smallDisk();

    disk.test('refuses what it cannot keep, keeps what it acknowledged, and says why', async () => {
      const server = await startServer(['--data', join(disk.path, 'data'), '--log-level', 'error']);
      const token = server.adminToken;
      const kept: string[] = [];
      let refused = 0;
      for (let n = 0; refused < 3 && n < 5000; n++) {
        const body = { url: `https://a.example/${'x'.repeat(1500)}` };
        const { status, json } = await request(server.url, 'PUT', `/v1/services/s${n}`, { token, body });
        if (status === 200) kept.push(`s${n}`);
        else {
          refused += 1;
          expect([status, json.code]).toEqual([503, expect.stringMatching(/STORE|AUDIT/)]);
        }
      }
      expect(refused).toBe(3);
      const metrics = await request(server.url, 'GET', '/metrics', { token });
      expect([metrics.status, metrics.text.includes('xlink_audit_faults_total')]).toEqual([200, true]);
      for (const name of kept)
        expect((await request(server.url, 'GET', `/services/${name}`)).status).toBe(200);
      expect(await server.end('SIGTERM')).toBe(8); // its last checkpoint does not fit either
      const full = await runServer(['--port', '0', '--data', join(disk.path, 'second')]);
      expect([full.code, /ENOSPC|no space/.test(full.output)]).toEqual([8, true]);
      await rm(join(disk.path, 'second'), { recursive: true, force: true });
    });
  });
});
