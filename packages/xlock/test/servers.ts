import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { afterTest, until } from './support.js';

/** The file of an installed program, or `undefined`. */
export function findProgram(name: string): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter);
  const folders = [...path, '/usr/sbin', '/usr/local/bin', ...postgresFolders()];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function postgresFolders(): string[] {
  try {
    return readdirSync('/usr/lib/postgresql').map((version) => join('/usr/lib/postgresql', version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

function folderOf(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `xlock-${name}-`));
  afterTest(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** A real Redis on a free port. Ends with the test. */
export async function startRedis(): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folderOf('redis'), '--save', ''];
  const child = spawn(findProgram('redis-server')!, [...args, '--maxmemory-policy', 'noeviction'], {
    stdio: 'pipe',
  });
  const stop = () => end(child, 'SIGKILL');
  afterTest(stop);
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  await until('Redis answers', () => said.includes('Ready to accept connections'));
  return { port, stop };
}

/** A real PostgreSQL on a free port. Ends with the test. */
export async function startPostgres(): Promise<{ readonly url: string }> {
  const port = await freePort();
  const folder = folderOf('postgres');
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  const who = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : undefined;
  if (who) chownSync(folder, who.uid, who.gid);
  const data = join(folder, 'data');
  const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'];
  execFileSync(findProgram('initdb')!, init, { ...who, cwd: folder, stdio: 'ignore' });
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    'fsync=off',
  ];
  const args = ['-D', data, ...settings.flatMap((each) => ['-c', each])];
  const child = spawn(findProgram('postgres')!, args, { ...who, cwd: folder, stdio: 'ignore' });
  afterTest(() => end(child, 'SIGQUIT'));
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await until('PostgreSQL answers', async () => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  });
  return { url };
}
