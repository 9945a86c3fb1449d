// Groups in figures, with a real identity server: npm run bench -w packages/mesh-mls [-- 50 200] [--suite xwing-aes256]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, HttpTrustRegistry, MemoryOperationsStore } from '@private.me/xlink';
import { MlsClient } from '../dist/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { suite: { type: 'string', default: 'x25519-aes128' }, json: { type: 'boolean', default: false } },
});
const sizes = positionals.length > 0 ? positionals.map(Number) : [2, 50];
const folder = mkdtempSync(join(tmpdir(), 'mls-bench-'));
const server = await startServer();
const registry = new HttpTrustRegistry({ baseUrl: server.url, authToken: server.token });
const rows = [];
try {
  for (const size of sizes) rows.push(await measure(size));
  print();
} finally {
  server.child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
process.exit();

async function measure(size) {
  const first = await memberOf(`${size} first`);
  // The others publish their key packages and go: what is measured is one member at work.
  const dids = [];
  for (let at = 2; at < size; at++) {
    const other = await memberOf(`${size} ${at}`);
    dids.push(other.client.did);
    await other.client.close();
  }
  const last = await memberOf(`${size} last`);
  await last.client.close();
  const group = await first.client.create();
  const row = { size };
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  row.add = await timed(() => group.add([...dids, last.client.did]));
  const began = performance.now();
  const joined = Promise.withResolvers?.() ?? withResolvers();
  const { client } = await memberOf(`${size} last`, last, () => joined.resolve());
  await joined.promise;
  row.join = performance.now() - began;
  await client.close();
  row.firstCommit = await timed(() => group.rekey());
  row.commit = await median(5, () => group.rekey());
  row.send = await median(20, () => group.send(new Uint8Array(1024)));
  const again = await memberOf(`${size} last`, last);
  await again.client.close();
  const heard = [];
  const reader = await memberOf(`${size} last`, last);
  const lasts = reader.client.group(group.id);
  lasts.onMessage(({ data }) => void heard.push(data));
  await lasts.sync();
  row.apply = await timed(async () => {
    await group.rekey();
    await lasts.sync();
  });
  row.receive = await median(10, async () => {
    await group.send(new Uint8Array(1024));
    await lasts.sync();
  });
  row.p99 = delays.percentile(99) / 1e6;
  await reader.client.close();
  await first.client.close();
  return row;
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A client; `before`: the same member, started again. */
async function memberOf(name, before, onJoined) {
  const agent = before?.agent ?? (await Agent.quickstart({ registry, name }));
  const store = before?.store ?? new MemoryOperationsStore();
  const client = await MlsClient.start({
    agent,
    server: server.url,
    store,
    suite: values.suite,
    keyPackages: 2,
    recheckMs: 86_400_000,
    onEvent: ({ type }) => type === 'joined' && onJoined?.(),
  });
  return { client, agent, store };
}

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function median(times, work) {
  const taken = [];
  for (let at = 0; at < times; at++) taken.push(await timed(work));
  return taken.sort((a, b) => a - b)[Math.floor(times / 2)];
}

function print() {
  const names = {
    add: 'commit that adds all',
    join: 'start and join by the welcome',
    firstCommit: 'first commit with a path (blank tree)',
    apply: 'commit, applied by another member',
    commit: 'commit with a path, later',
    send: 'send 1 KiB',
    receive: 'send and receive 1 KiB',
    p99: 'event loop delay, p99',
  };
  if (values.json) return console.log(JSON.stringify({ suite: values.suite, rows }));
  console.log(`Node ${process.version}, ${values.suite}, ms; server, HTTP and state included`);
  console.log(['members'.padEnd(40), ...rows.map(({ size }) => String(size).padStart(9))].join(''));
  for (const [key, name] of Object.entries(names))
    console.log([name.padEnd(40), ...rows.map((row) => row[key].toFixed(1).padStart(9))].join(''));
}

async function startServer() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const url = `http://127.0.0.1:${port}`;
  const program = fileURLToPath(new URL('../../cli/dist/xlink.js', import.meta.url));
  const limits = ['--requests-per-address', '10000000', '--requests-per-caller', '10000000'];
  const args = [
    program,
    'serve',
    '--port',
    `${port}`,
    '--public-url',
    url,
    '--json',
    '--data',
    join(folder, 'data'),
    ...limits,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const chunk of child.stdout) {
    const line = String(chunk)
      .split('\n')
      .find((each) => each.startsWith('{"did"'));
    if (line) return { child, url, token: JSON.parse(line).adminToken };
  }
  throw new Error('the server did not start');
}
