import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from '@jest/globals';
import pg from 'pg';
import { describeWith, programFile } from './needs-program.js';
import { freePort } from './redis-server.js';
import { until } from './until.js';

/** A suite that needs PostgreSQL; see {@link describeWith} for where there is none. */
export const describeWithPostgres = (name: string, define: () => void): void =>
  describeWith(['initdb', 'postgres'], name, define);

export interface PostgresServerOptions {
  /** Waits for the disk before it acknowledges. Without it what was written outlives the server, not the machine. Default `false`. */
  readonly fsync?: boolean;
  /** More settings of the server, such as `{ max_connections: '5' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

const START_MS = 20_000;
const started = new Set<PostgresServer>();

afterAll(async () => {
  await Promise.all([...started].map((server) => server.stop()));
});

/** PostgreSQL refuses to run as root: who it runs as instead. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Resolves once the process does nothing any more. */
async function killed(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return; // it ended by itself
  }
  await until(async () => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
    return stat.split(') ')[1]?.startsWith('Z');
  });
}

/**
 * A real PostgreSQL on a free port of 127.0.0.1, with a cluster of its own in a temporary folder: a new one takes some
 * 0.4 s, so that none has to be copied. Stopped after the tests of the file at the latest.
 */
export class PostgresServer {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, folder: string, { fsync = false, settings }: PostgresServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#settings = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: folder,
      fsync: fsync ? 'on' : 'off',
      shared_buffers: '16MB',
      ...settings,
    };
  }

  /** Resolves once it answers. Takes another port if somebody was faster. */
  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    for (let attempt = 1; ; attempt++) {
      const folder = await mkdtemp(join(tmpdir(), 'xlink-postgres-'));
      const server = new PostgresServer(await freePort(), folder, options);
      started.add(server);
      try {
        await server.#initialize();
        await server.#launch();
        return server;
      } catch (error) {
        await server.stop();
        if (attempt === 5 || !server.#portWasTaken) throw error;
      }
    }
  }

  /** For `new pg.Pool(…)` and `new pg.Client(…)`. */
  get connection() {
    return { host: '127.0.0.1', port: this.port, user: 'postgres', database: 'postgres' };
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** The power fails: no goodbye to anybody. Backends, which would answer for a moment longer, end with it. */
  async kill(): Promise<void> {
    const backends = this.running ? await childrenOf(this.#child!.pid!) : [];
    await this.#end('SIGKILL');
    for (const pid of backends) await killed(pid);
  }

  /** As an operator stops it: connections are ended, and what is in memory is written. Its folder stays. */
  async stopOrderly(): Promise<void> {
    await this.#end('SIGINT');
  }

  /** On the same port, with the same data. Kills it first if it runs. */
  async restart(): Promise<void> {
    await this.kill();
    const deadline = performance.now() + START_MS;
    for (;;) {
      try {
        return await this.#launch();
      } catch (error) {
        await this.kill();
        // The children of a server that was killed hold its memory and its port a moment longer.
        const isHeld = this.#portWasTaken || this.#output.includes('shared memory block');
        if (!isHeld || performance.now() > deadline) throw error;
        await sleep(10);
      }
    }
  }

  /** Without waiting for anybody; its folder is removed. */
  async stop(): Promise<void> {
    await this.#end('SIGQUIT');
    if (!started.delete(this)) return;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }

  get #portWasTaken(): boolean {
    return this.#output.includes('in use');
  }

  async #initialize(): Promise<void> {
    const { uid, gid } = unprivileged();
    if (uid !== undefined && gid !== undefined) await chown(this.#folder, uid, gid);
    const args = [
      '-D',
      join(this.#folder, 'data'),
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--no-sync',
    ];
    await this.#spawn('initdb', [...args, '--locale=C']);
    await once(this.#child!, 'exit');
    if (this.#child!.exitCode !== 0) throw new Error(`initdb failed: ${this.#output}`);
  }

  async #launch(): Promise<void> {
    const settings = Object.entries(this.#settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    await this.#spawn('postgres', ['-D', join(this.#folder, 'data'), ...settings]);
    const deadline = performance.now() + START_MS;
    while (!(await this.#answers())) {
      if (!this.running) throw new Error(`postgres ended: ${this.#output}`);
      if (performance.now() > deadline) throw new Error(`postgres does not answer: ${this.#output}`);
      await sleep(10);
    }
  }

  async #spawn(program: string, args: readonly string[]): Promise<void> {
    this.#output = '';
    const child = spawn(programFile(program), args, {
      ...unprivileged(),
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (this.#output = (this.#output + chunk).slice(-20_000)));
    await once(child, 'spawn');
  }

  /** Whether this cluster answers: another server on the port would have another data folder. */
  async #answers(): Promise<boolean> {
    const client = new pg.Client({ ...this.connection, connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query('SHOW data_directory');
      return rows[0].data_directory === join(this.#folder, 'data');
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || !this.running) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const impatience = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(impatience);
  }
}
