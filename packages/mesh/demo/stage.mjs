// What the demo stands on: an identity server with a relay, agents as processes, and a link that can be cut.
import { fork, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const XLINK = fileURLToPath(new URL('../../cli/dist/xlink.js', import.meta.url));
const AGENT = fileURLToPath(new URL('./agent.mjs', import.meta.url));
const closers = [];

/** Stops everything. */
export async function clear() {
  for (const close of closers.splice(0).reverse()) await close();
}

/** Waits for something to become true. */
export async function until(what, look, withinMs = 90_000) {
  for (
    const end = Date.now() + withinMs;
    Date.now() < end;
    await new Promise((resolve) => setTimeout(resolve, 5))
  ) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`never: ${what}`);
}

/** The identity server of the command `xlink`, with prekeys and a relay. */
export async function startServer() {
  const data = await mkdtemp(join(tmpdir(), 'mesh-demo-'));
  closers.push(() => rm(data, { recursive: true, force: true, maxRetries: 10 }));
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const url = `http://127.0.0.1:${port}`;
  const args = [
    XLINK,
    'serve',
    '--port',
    port,
    '--public-url',
    url,
    '--json',
    '--data',
    join(data, 'server'),
  ];
  const child = spawn(process.execPath, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
  closers.push(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const line = await until('the identity server', () => {
    if (child.exitCode !== null) throw new Error(`the server ended: ${output}`);
    return output.split('\n').find((each) => each.startsWith('{"did"') && each.endsWith('}'));
  });
  return { server: url, token: JSON.parse(line).adminToken, folder: data };
}

/** An agent as a process. */
export class Player {
  events = [];
  did = '';
  #child;
  #calls = new Map();
  #next = 0;

  constructor(name) {
    this.name = name;
  }

  async start(place, options = {}) {
    this.#child = fork(AGENT, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    closers.push(() => this.stop());
    this.#child.on('message', (message) => this.#take(message));
    const seed = createHash('sha256')
      .update(`mesh demo ${options.seedName ?? this.name}`)
      .digest('hex');
    const { seedName: _, ...rest } = options;
    ({ did: this.did } = await this.do('start', { name: this.name, seed, ...place, ...rest }));
    return this;
  }

  /** Ends the process, as a crash would. */
  async stop() {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  do(command, args = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#child.send({ id, command, ...args });
    });
  }

  /** The id of the error that a command fails with. */
  async fails(command, args) {
    return this.do(command, args).then(
      () => 'nothing failed',
      (error) => error.id,
    );
  }

  /** The first event like this, from the one with this index on. */
  see(what, like, from = 0) {
    const matches = (event) => Object.entries(like).every(([name, value]) => event[name] === value);
    return until(`${this.name} sees ${what}`, () => this.events.slice(from).find(matches));
  }

  /** A message; with `who` it came from. */
  hears(message, from) {
    return this.see(message, { event: 'message', text: message, ...(from ? { from: from.did } : {}) });
  }

  #take({ id, answer, error, ...event }) {
    if (id === undefined) return void this.events.push(event);
    const { resolve, reject } = this.#calls.get(id);
    this.#calls.delete(id);
    if (error)
      reject(
        Object.assign(new Error(`${this.name}: ${error.id} ${error.message} ${error.cause}`), {
          id: error.id,
        }),
      );
    else resolve(answer);
  }
}

/** A link to a TCP address that can be cut and mended. */
export async function link(to) {
  const target = new URL(to);
  const sockets = new Set();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) return client.destroy();
    const upstream = connect(target.port, target.hostname);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return {
    address: `tcp://127.0.0.1:${server.address().port}`,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    mend() {
      isCut = false;
    },
  };
}
