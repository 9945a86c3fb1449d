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
  const members = [];
  for (let at = 0; at < size; at++) members.push(await clientOf(`${size} ${at}`));
  const [first, ...others] = members;
  const group = await first.create();
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const row = { size };
  const dids = others.map(({ did }) => did);
  row.add = await timed(() => group.add(dids));
  row.join = await timed(() => others.at(-1).sync());
  const last = others.at(-1).group(group.id);
  row.firstCommit = await timed(() => group.rekey());
  row.apply = await timed(() => last.sync());
  row.commit = await median(5, () => group.rekey());
  await last.sync();
  row.send = await median(20, () => group.send(new Uint8Array(1024)));
  const heard = [];
  last.onMessage(({ data }) => void heard.push(data));
  row.receive = (await timed(() => last.sync())) / 20;
  row.p99 = delays.percentile(99) / 1e6;
  for (const one of members) await one.close();
  return row;
}

async function clientOf(name) {
  const registry = new HttpTrustRegistry({ baseUrl: server.url, authToken: server.token });
  const made = await Agent.quickstart({ registry, name });
  if (!made.did) throw new Error('no agent');
  const { suite } = values;
  // Logs are read when the figures ask for it.
  const client = await MlsClient.start({
    agent: made,
    server: server.url,
    store: new MemoryOperationsStore(),
    suite,
    keyPackages: 2,
    waitMs: 25_000,
    recheckMs: 86_400_000,
  });
  return client;
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
    join: 'join by the welcome',
    firstCommit: 'first commit with a path (blank tree)',
    apply: 'applying it',
    commit: 'commit with a path, later',
    send: 'send 1 KiB',
    receive: 'receive 1 KiB',
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
