// npm run bench:peers [-- --seconds 60 --runs 1 --check --only session,oauth]: one POST of 1 KiB to Express 5, proven in each of the ways
// that an API has today, in one run.
import { execFileSync, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { discover, MemoryTrustRegistry } from '@private.me/xlink';
import { Connection, load } from '../load.mjs';
import { median, quantile, rounds, table, whole } from '../stats.mjs';
import { xlinkCaller } from '../xlink-caller.mjs';
import { credentials, headerCaller, others } from './callers.mjs';
import { missed } from './targets.mjs';

const LOCAL = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
const CONNECTIONS = 16;
const MIN_ROUNDS = 5;
/** How long one burst takes, in s. */
const BURST_SECONDS = 0.25;
/** Of a burst. Not counted: the server has slept while the requests of some ways were made, and those of others need not be. */
const LEAD_IN = 0.2;
/** Before so many requests of a way its code is still being compiled. */
const WARM_REQUESTS = 24_000;
/** A way that is slow has so much of `--seconds` for that. */
const WARM_SHARE = 0.2;
const NAMES = {
  bare: 'nothing',
  hand: 'API key, by hand',
  key: 'API key, by the adapter',
  oauth: 'JWT RS256, express-oauth2-jwt-bearer',
  jose: 'JWT EdDSA, jose',
  signed: 'RFC 9421 Ed25519, http-message-signatures',
  hpke: 'HPKE and Ed25519, @hpke/core',
  session: 'session, plain answers',
  sealed: 'session, sealed answers',
  redis: 'session, plain answers, Redis',
  v1: 'envelope v1, plain answers',
  v2: 'envelope v2, plain answers',
  v3: 'envelope v3, plain answers',
  header: 'envelope v2 in a header',
};

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    runs: { type: 'string', default: '1' },
    check: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const chosen = args.only?.split(',') ?? Object.keys(NAMES);
let passed = 0;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');
for (let run = 0; run < Number(args.runs); run++) {
  const results = await measureAll(Number(args.seconds));
  console.log(`${report(results)}\n`);
  const misses = missed(results);
  if (misses.length === 0) passed += 1;
  else console.log(`Missed: ${misses.join('; ')}\n`);
}
if (args.check && passed <= Number(args.runs) / 2) {
  console.error(`The targets were met in ${passed} of ${args.runs} runs.`);
  process.exitCode = 1;
}

async function measureAll(seconds) {
  const world = await start();
  const kinds = [];
  for (const [id, { make, port }] of Object.entries(await callersOf(world))) {
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(port)));
    kinds.push({ id, make, connections, size: 64, results: [] });
  }
  await warmUp(world, kinds, seconds * WARM_SHARE);
  for (const kind of kinds) kind.results = [];
  await rounds(seconds, MIN_ROUNDS, kinds, (kind) => burst(world, kind));
  for (const { connections } of kinds) for (const connection of connections) connection.close();
  world.stop();
  return Object.fromEntries(kinds.map(({ id, results }) => [id, summary(results)]));
}

/** The server in a process of its own, and the keys of tokens where its middleware asks for them. */
async function start() {
  const made = await credentials();
  const jwks = createServer((_req, res) =>
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify(made.jwks)),
  );
  await once(jwks.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${jwks.address().port}/`;
  const jwt = { issuer, audience: 'orders', jwksUri: `${issuer}jwks.json` };
  const apiKey = randomBytes(24).toString('base64url');
  const redisUrl = chosen.includes('redis') ? (process.env.REDIS_URL ?? 'redis://127.0.0.1:6379') : undefined;
  const child = fork(new URL('server.mjs', import.meta.url), {
    execArgv: process.env.PEERS_NODE_ARGS?.split(' ') ?? [],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      PEERS: JSON.stringify({ apiKey, jwt, ed25519: { jwk: made.edJwk }, redisUrl }),
    },
  });
  pin(child.pid, 0);
  pin(process.pid, 1);
  const ask = async (message) => {
    child.send(message);
    return (await once(child, 'message'))[0];
  };
  const [said] = await once(child, 'message');
  const stop = () => {
    child.disconnect();
    jwks.close();
  };
  return { ...made, ...said, jwt, apiKey, ask, stop };
}

/** One core for the server and another for the load, where there are several. Threads of the server share its core. */
function pin(pid, core) {
  if (cpus().length < 2) return;
  try {
    execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
  } catch {
    // no Linux, or no taskset: the scheduler places them
  }
}

async function callersOf(world) {
  const { ports, ask } = world;
  const registry = new MemoryTrustRegistry();
  const register = (entry) => ask({ register: entry });
  const caller = (options) => xlinkCaller({ port: ports.xlink, registry, register, ...options });
  const plain = { sealedAnswers: false };
  const ours = {
    session: () => caller({ ...plain }),
    sealed: () => caller({}),
    redis: () => caller({ ...plain, port: ports.shared }),
    v1: () => caller({ ...plain, version: 1 }),
    v2: () => caller({ ...plain, version: 2, session: false }),
    v3: () => caller({ ...plain, version: 3, session: false }),
    header: async () => {
      const service = await discover(`http://127.0.0.1:${ports.xlink}`, LOCAL);
      return headerCaller({ registry: new MemoryTrustRegistry(), register, service });
    },
  };
  const theirs = await others(world);
  const made = {};
  for (const id of chosen) {
    if (theirs[id]) made[id] = { make: theirs[id], port: id === 'key' ? ports.xlink : ports.others };
    else if (ours[id])
      made[id] = { make: await ours[id](), port: id === 'redis' ? ports.shared : ports.xlink };
  }
  return made;
}

/** In turns, as they are measured: what they share is compiled for all of them. */
async function warmUp(world, kinds, seconds) {
  const cold = new Map(kinds.map((kind) => [kind, { requests: 0, ms: 0 }]));
  while (cold.size > 0)
    for (const [kind, done] of cold) {
      const start = performance.now();
      done.requests += kind.size;
      await burst(world, kind);
      done.ms += performance.now() - start;
      if (done.requests >= WARM_REQUESTS || done.ms >= seconds * 1000) cold.delete(kind);
    }
}

async function burst({ ask }, kind) {
  const requests = [];
  for (let i = 0; i < kind.size; i++) requests.push(await kind.make());
  collectGarbage(); // what making them has left is not to be collected while the server is measured
  const lead = requests.splice(0, Math.floor(requests.length * LEAD_IN));
  const led = await load(kind.connections, lead);
  const before = await ask({});
  const { times, failed, perSecond } = await load(kind.connections, requests);
  const after = await ask({});
  if (led.failed + failed > 0)
    throw new Error(`${led.failed + failed} of ${kind.size} requests of "${NAMES[kind.id]}" were refused`);
  const cpu = (after.user + after.system - before.user - before.system) / requests.length;
  kind.results.push({ times, perSecond, cpu });
  kind.size = Math.min(8192, Math.max(64, Math.round(perSecond * BURST_SECONDS)));
}

function summary(results) {
  const times = results.flatMap((result) => result.times);
  return {
    perSecond: median(results.map((result) => result.perSecond)),
    cpu: median(results.map((result) => result.cpu)),
    p50: median(times),
    p99: quantile(times, 0.99),
  };
}

function report(results) {
  const ratio = (one, other) => (other ? (one.perSecond / other.perSecond).toFixed(2) : '');
  return table([
    [
      `POST of 1 KiB, Node ${process.versions.node}`,
      'requests/s',
      'of nothing',
      'of RS256',
      'CPU us',
      'p50 us',
      'p99 us',
    ],
    ...Object.entries(results).map(([id, result]) => [
      NAMES[id],
      whole(result.perSecond),
      ratio(result, results.bare),
      ratio(result, results.oauth),
      result.cpu.toFixed(1),
      whole(result.p50),
      whole(result.p99),
    ]),
  ]);
}
