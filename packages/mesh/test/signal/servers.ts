import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, test } from '@jest/globals';
import pg from 'pg';
import { afterTest } from './support.js';

function findProgram(name: string): string | undefined {
  let versions: string[] = [];
  try {
    versions = readdirSync('/usr/lib/postgresql').map((one) => join('/usr/lib/postgresql', one, 'bin'));
  } catch {}
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/bin',
    ...versions,
  ];
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** A suite that needs what may not be there: skipped then, visibly; in CI it fails. */
export function describeWhere(isThere: boolean, what: string, name: string, define: () => void): void {
  if (isThere) describe(name, define);
  else if (!isCi) describe.skip(`${name} [skipped: ${what} not installed]`, define);
  else
    test(`${name} needs ${what}`, () => {
      throw new Error(`CI must not skip this: install ${what}`);
    });
}

export const describeWith = (programs: readonly string[], name: string, define: () => void): void => {
  const absent = programs.filter((program) => !findProgram(program));
  describeWhere(absent.length === 0, absent.join(', '), name, define);
};

export async function until<T>(what: string, look: () => T | Promise<T>, withinMs = 20_000): Promise<T> {
  for (const end = performance.now() + withinMs; performance.now() < end; await pause(10)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`never: ${what}`);
}

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mesh-signal-'));
  afterTest(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function stopAfterTest(child: ChildProcess, signal: NodeJS.Signals): void {
  afterTest(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  });
}

/** A real Redis; its URL. */
export async function startRedis(): Promise<string> {
  const port = await freePort();
  const folder = await temporaryFolder();
  const args = [...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '']];
  const policy = ['--maxmemory-policy', 'noeviction', '--appendonly', 'yes'];
  const child = spawn(findProgram('redis-server')!, [...args, ...policy], { stdio: 'pipe' });
  stopAfterTest(child, 'SIGKILL');
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  await until('Redis', () => said.includes('Ready to accept connections'));
  return `redis://127.0.0.1:${port}`;
}

/** A real PostgreSQL; its URL. */
export async function startPostgres(): Promise<string> {
  const port = await freePort();
  const folder = await temporaryFolder();
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  const who = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : undefined;
  if (who) chownSync(folder, who.uid, who.gid);
  const data = join(folder, 'data');
  const how = { ...who, cwd: folder, stdio: 'ignore' } as const;
  const make = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'];
  execFileSync(findProgram('initdb')!, make, how);
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    'fsync=off',
  ];
  const args = ['-D', data, ...settings.flatMap((each) => ['-c', each])];
  stopAfterTest(spawn(findProgram('postgres')!, args, how), 'SIGQUIT');
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await until('PostgreSQL', async () => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  });
  return url;
}

const XLINK = fileURLToPath(new URL('../../../cli/dist/xlink.js', import.meta.url));

/** The built identity server, with a relay; its address and the token of an admin. */
export async function startIdentityServer(
  ...more: string[]
): Promise<{ readonly url: string; readonly token: string }> {
  const folder = await temporaryFolder();
  const port = String(await freePort());
  const args = [
    XLINK,
    'serve',
    '--port',
    port,
    '--public-url',
    `http://127.0.0.1:${port}`,
    '--json',
    '--data',
    join(folder, 'data'),
    ...more,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  stopAfterTest(child, 'SIGKILL');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const line = await until('the identity server', () => {
    if (child.exitCode !== null) throw new Error(`ended early: ${output}`);
    return output.split('\n').find((each) => each.startsWith('{"did"') && each.endsWith('}'));
  });
  const { url, adminToken } = JSON.parse(line!);
  return { url, token: adminToken };
}
