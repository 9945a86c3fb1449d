import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from '@jest/globals';
import { describeWith, programFile } from './needs-program.js';
import { until } from './until.js';

/** A suite that needs Redis; see {@link describeWith} for where there is none. */
export const describeWithRedis = (name: string, define: () => void): void =>
  describeWith(['redis-server', 'redis-cli'], name, define);

export interface RedisServerOptions {
  /** Wanted from clients (`requirepass`). Default none. */
  readonly password?: string;
  /** Keeps what was written over `kill()` and `restart()`: each write is on disk before it is answered. Default `false`. */
  readonly persistent?: boolean;
  /** More of redis-server's own options, such as `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[];
}

const START_MS = 10_000;
const started = new Set<RedisServer>();

afterAll(async () => {
  await Promise.all([...started].map((server) => server.stop()));
});

/** A real redis-server on a free port of 127.0.0.1, with a folder of its own. Stopped after the tests of the file at the latest. */
export class RedisServer {
  readonly port: number;
  readonly password: string | undefined;
  readonly #args: readonly string[];
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #watch: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, folder: string, { password, persistent, args = [] }: RedisServerOptions) {
    this.port = port;
    this.password = password;
    this.#folder = folder;
    this.#args = [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
      ...(persistent ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']),
      ...(password === undefined ? [] : ['--requirepass', password]),
      ...args,
    ];
  }

  /** Resolves once it answers. Takes another port if somebody was faster. `choosePort` is for servers that need more than one. */
  static async start(options: RedisServerOptions = {}, choosePort = freePort): Promise<RedisServer> {
    for (let attempt = 1; ; attempt++) {
      const folder = await mkdtemp(join(tmpdir(), 'xlink-redis-'));
      const server = new RedisServer(await choosePort(), folder, options);
      started.add(server);
      try {
        await server.#launch();
        return server;
      } catch (error) {
        await server.stop();
        if (attempt === 5 || !server.#portWasTaken) throw error;
      }
    }
  }

  get url(): string {
    return `redis://${this.password === undefined ? '' : `:${this.password}@`}127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** What redis-cli prints for a command, without the line end. Rejects with what it complains of. */
  async cli(...command: string[]): Promise<string> {
    const auth = this.password === undefined ? [] : ['--no-auth-warning', '-a', this.password];
    const args = ['-h', '127.0.0.1', '-p', String(this.port), ...auth, '-e', ...command];
    const { stdout } = await promisify(execFile)(programFile('redis-cli'), args);
    return stdout.trimEnd();
  }

  /** The power fails: no goodbye to anybody. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** On the same port, with the same folder. Kills it first if it runs. */
  async restart(): Promise<void> {
    await this.kill();
    const deadline = performance.now() + START_MS;
    for (;;) {
      try {
        return await this.#launch();
      } catch (error) {
        await this.kill();
        if (!this.#portWasTaken || performance.now() > deadline) throw error;
      }
    }
  }

  /** In good order; its folder is removed. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    if (!started.delete(this)) return;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }

  get #portWasTaken(): boolean {
    return this.#output.includes('in use');
  }

  async #launch(): Promise<void> {
    this.#output = '';
    const child = spawn(programFile('redis-server'), this.#args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (this.#output += String(chunk)));
    await once(child, 'spawn');
    this.#watch = outliveNot(child.pid!);
    await until(
      async () => {
        if (!this.running) throw new Error(`redis-server ended: ${this.#output}`);
        return answers(this, child.pid!);
      },
      { withinMs: START_MS, what: 'redis-server to answer' },
    );
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || !this.running) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const impatience = setTimeout(() => child.kill('SIGKILL'), 1000); // a master waits ten seconds for its replicas
    await ended;
    clearTimeout(impatience);
    this.#watch?.kill('SIGKILL');
  }
}

/** A shell that kills the process when this one is gone and could not: its input ends then. */
function outliveNot(pid: number): ChildProcess {
  const watch = spawn('sh', ['-c', `read -r _; kill -9 ${pid}`], { stdio: ['pipe', 'ignore', 'ignore'] });
  watch.unref();
  (watch.stdin as unknown as { unref(): void }).unref();
  return watch;
}

/** Whether it is this very process that answers on the port, and has loaded its data. */
function answers({ port, password }: RedisServer, pid: number): Promise<boolean> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => {
      const login = password === undefined ? '' : `AUTH ${password}\r\n`;
      socket.write(`${login}INFO server\r\nPING\r\nQUIT\r\n`);
    });
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text.includes(`process_id:${pid}\r\n`) && text.includes('+PONG')));
  });
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
