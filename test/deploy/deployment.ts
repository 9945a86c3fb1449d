import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BuiltPackage } from '../support/built-package.js';
import { programFile } from '../support/needs-program.js';
import { PostgresServer } from '../support/postgres-server.js';
import { freePort, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { nginxFor, redisFor } from './rendered.js';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));

/** What compose.yml starts, without containers: the same programs with the same files, on free ports of this machine. */
export class Deployment {
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  readonly instances: readonly Instance[];
  readonly #copy: BuiltPackage;
  readonly #env: NodeJS.ProcessEnv;
  readonly #nginx: ChildProcess;
  readonly #port: number;

  private constructor(
    copy: BuiltPackage,
    env: NodeJS.ProcessEnv,
    stores: { redis: RedisServer; postgres: PostgresServer },
    instances: readonly Instance[],
    nginx: ChildProcess,
    port: number,
  ) {
    this.#copy = copy;
    this.#env = env;
    this.redis = stores.redis;
    this.postgres = stores.postgres;
    this.instances = instances;
    this.#nginx = nginx;
    this.#port = port;
  }

  /** `size`: instances. `more` comes on top of the environment of each. */
  static async start(size = 3, more: NodeJS.ProcessEnv = {}): Promise<Deployment> {
    const copy = copyOfTheApp();
    const secrets = join(copy.folder, 'secrets');
    execFileSync(process.execPath, [join(DEPLOY, 'make-secrets.mjs'), secrets]);
    const redisConf = join(copy.folder, 'redis.conf');
    writeFileSync(redisConf, redisFor(join(secrets, 'redis-auth.conf')));
    const password = readFileSync(join(secrets, 'redis-password'), 'utf8');
    const redis = await RedisServer.start({ password, args: ['--include', redisConf] });
    const postgres = await PostgresServer.start();
    const env = {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      REDIS_PASSWORD_FILE: join(secrets, 'redis-password'),
      REDIS_TIMEOUT_MS: '5000', // the tests share two processors with all of it
      POSTGRES_URL: `postgres://postgres@127.0.0.1:${postgres.port}/postgres`,
      POSTGRES_PASSWORD_FILE: join(secrets, 'postgres-password'),
      IDENTITY_FILE: join(secrets, 'service-identity.pkcs8'),
      DASHBOARD_PASSWORD_FILE: join(secrets, 'dashboard-password'),
      MODE: 'hybrid',
      DRAIN_MS: '2000',
      ...more,
    };
    const instances: Instance[] = [];
    for (let at = 0; at < size; at++)
      instances.push(new Instance(copy, env, await freePort(), await freePort()));
    try {
      await Promise.all(instances.map((instance) => instance.start()));
      const { child, port } = await startNginx(copy.folder, instances);
      return new Deployment(copy, env, { redis, postgres }, instances, child, port);
    } catch (error) {
      await Promise.all(instances.map((instance) => instance.kill()));
      copy.remove();
      throw error;
    }
  }

  /** Where the built package is. */
  get folder(): string {
    return this.#copy.folder;
  }

  /** Of nginx, as callers know it. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What an operator types behind `node operate.mjs`. Rejects if it fails. */
  async operate(...command: string[]): Promise<string> {
    const program = [join(this.#copy.folder, 'deploy/app/operate.mjs'), ...command];
    const { stdout } = await promisify(execFile)(process.execPath, program, { env: this.#env });
    return stdout.trimEnd();
  }

  async stop(): Promise<void> {
    await Promise.all([endOf(this.#nginx, 'SIGTERM'), ...this.instances.map((instance) => instance.kill())]);
    this.#copy.remove();
  }
}

/** One process of the app. Keeps its ports when it is started again. */
export class Instance {
  readonly port: number;
  readonly internalPort: number;
  readonly #file: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(copy: BuiltPackage, env: NodeJS.ProcessEnv, port: number, internalPort: number) {
    this.#file = join(copy.folder, 'deploy/app/server.mjs');
    this.port = port;
    this.internalPort = internalPort;
    this.#env = { ...env, PORT: String(port), INTERNAL_PORT: String(internalPort) };
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resident memory now, in bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child!.pid}/status`, 'utf8');
    return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  }

  /** Processor time since it was started. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#child!.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** What it has logged since it was started. */
  get output(): string {
    return this.#output;
  }

  /** Resolves once it is ready. `more` comes on top of its environment; `undefined` takes a variable away. */
  async start(more: NodeJS.ProcessEnv = {}): Promise<void> {
    this.launch(more);
    await until(
      async () => {
        if (this.#child?.exitCode !== null) throw new Error(`the app ended: ${this.#output}`);
        return (await this.health()).ready === true;
      },
      { withinMs: 30_000, what: 'the app to be ready' },
    );
  }

  launch(more: NodeJS.ProcessEnv = {}): ChildProcess {
    this.#output = '';
    const child = spawn(process.execPath, [this.#file], {
      env: { ...this.#env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (this.#output = (this.#output + chunk).slice(-50_000)));
    this.#child = child;
    return child;
  }

  /** What /readyz says; an empty object if it says nothing. */
  async health(): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.internal('/readyz').catch(() => undefined);
    return answer ? { ...JSON.parse(answer.text), status: answer.status } : {};
  }

  /** Something on the port that is not public. */
  async internal(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.internalPort}${path}`, { headers });
    return { status: answer.status, text: await answer.text() };
  }

  /** Asks it to leave, and resolves to how it ended and how long that took, in ms. */
  async leave(): Promise<{ code: number | null; ms: number }> {
    const started = performance.now();
    await endOf(this.#child!, 'SIGTERM');
    return { code: this.#child!.exitCode, ms: performance.now() - started };
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child) await endOf(this.#child, 'SIGKILL');
  }
}

/** Root would have its workers run as somebody who may not write bodies to the folder of the test. */
const USER = process.getuid?.() === 0 ? 'user root;' : '';

/** A built package, and the app as an image has it: the package in its node_modules. */
function copyOfTheApp(): BuiltPackage {
  const copy = new BuiltPackage();
  const app = join(copy.folder, 'deploy/app');
  cpSync(join(DEPLOY, 'app'), app, { recursive: true });
  mkdirSync(join(app, 'node_modules/@private.me'), { recursive: true });
  symlinkSync(copy.folder, join(app, 'node_modules/@private.me/xlink'));
  return copy;
}

/** The nginx.conf of the deployment on another port if somebody was faster. */
async function startNginx(folder: string, instances: readonly Instance[]) {
  for (let attempt = 1; ; attempt++) {
    const [port, operatorPort] = [await freePort(), await freePort()];
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, nginxFor({ folder, port, operatorPort, instances }));
    const child = spawn(programFile('nginx'), ['-e', 'stderr', '-c', file, '-g', `daemon off; ${USER}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    try {
      await until(
        async () => {
          if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
          return fetch(`http://127.0.0.1:${operatorPort}/nginx-is-up`).then(
            ({ ok }) => ok,
            () => false,
          );
        },
        { withinMs: 10_000, what: 'nginx to answer' },
      );
      return { child, port };
    } catch (error) {
      await endOf(child, 'SIGKILL');
      if (attempt === 5 || !said.includes('in use')) throw error;
    }
  }
}

async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}
