import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { MemoryTrustRegistry } from '@private.me/xlink';
import { RedisTrustRegistry, redisClientOptions } from '@private.me/xlink/redis';
import { Connection, httpRequest, load } from '../load.mjs';
import { median, quantile, rounds, table, whole } from '../stats.mjs';
import { BODY, JSON_TYPE, xlinkCaller } from '../xlink-caller.mjs';

const CONNECTIONS = 16;
const MIN_ROUNDS = 3;
/** How long one burst takes, in s. */
const BURST_SECONDS = 0.25;
const CLAIMS_IN_FLIGHT = 32;
const NAMES = {
  open: 'nothing',
  key: 'API key, by the adapter',
  v2: 'envelope v2',
  session: 'session',
  nonce: 'nonces claimed, no HTTP',
  sequence: 'session numbers claimed, no HTTP',
};
const CLAIMS_ONLY = ['nonce', 'sequence'];

/** All kinds of requests to all fleets, interleaved, for `seconds` after a quarter of it to warm up. */
export async function measureFleets(fleets, redis, { apiKey, seconds }) {
  const cells = [];
  for (const fleet of fleets) {
    const makers = await makersOf(fleet, redis, apiKey);
    for (const [kind, make] of Object.entries(makers))
      cells.push({ fleet, kind, make, connections: await connect(fleet), size: 64, results: [] });
    for (const kind of CLAIMS_ONLY) cells.push({ fleet, kind, size: 64, results: [] });
  }
  const run = (time, atLeast) =>
    rounds(time, atLeast, cells, (cell) => (cell.make ? burst(cell) : claimBurst(cell)));
  await run(seconds / 4, 2);
  for (const cell of cells) cell.results = [];
  await run((seconds * 3) / 4, MIN_ROUNDS);
  for (const { connections = [] } of cells) for (const connection of connections) connection.close();
  return cells.map(({ fleet, kind, results }) => ({ kind, processes: fleet.processes, ...summary(results) }));
}

/** One after the other, so that each process gets as many. */
async function connect({ port }) {
  const connections = [];
  for (let i = 0; i < CONNECTIONS; i++) connections.push(await Connection.open(port));
  return connections;
}

async function makersOf({ port, prefix }, redis, apiKey) {
  const client = await redis.connect(redisClientOptions.ioredis);
  const shared = new RedisTrustRegistry({ client, keyPrefix: `${prefix}registry:` });
  const caller = (options) =>
    xlinkCaller({
      port,
      registry: new MemoryTrustRegistry(),
      register: (entry) => shared.register(entry),
      sealedAnswers: false,
      ...options,
    });
  const constant = (bytes) => async () => bytes;
  const makers = {
    open: constant(httpRequest('POST', '/open/orders', JSON_TYPE, BODY)),
    key: constant(httpRequest('POST', '/xlink/orders', { ...JSON_TYPE, 'X-API-Key': apiKey }, BODY)),
    v2: await caller({ version: 2, session: false }),
    session: await caller({}),
  };
  client.disconnect();
  return makers;
}

async function burst(cell) {
  const requests = [];
  for (let i = 0; i < cell.size; i++) requests.push(await cell.make());
  const before = await totals(cell.fleet);
  const idle = performance.eventLoopUtilization();
  const { times, failed, perSecond } = await load(cell.connections, requests);
  const { utilization } = performance.eventLoopUtilization(idle);
  const after = await totals(cell.fleet);
  if (failed > 0)
    throw new Error(`${failed} of ${requests.length} requests of "${NAMES[cell.kind]}" were refused`);
  const perRequest = (name) => (after[name] - before[name]) / requests.length;
  cell.results.push({
    times,
    perSecond,
    cpu: perRequest('cpu'),
    claimsPerSecond: perRequest('claims') * perSecond,
    generator: utilization,
  });
  cell.size = sizeFor(perSecond);
}

async function claimBurst(cell) {
  const { processes, ask } = cell.fleet;
  const count = Math.ceil(cell.size / processes);
  const before = await totals(cell.fleet);
  const start = performance.now();
  await ask({ claim: cell.kind, count, inFlight: CLAIMS_IN_FLIGHT });
  const perSecond = (1000 * count * processes) / (performance.now() - start);
  const after = await totals(cell.fleet);
  const cpu = (after.cpu - before.cpu) / (count * processes);
  cell.results.push({ times: [], perSecond, cpu, claimsPerSecond: perSecond, generator: 0 });
  cell.size = sizeFor(perSecond);
}

const sizeFor = (perSecond) => Math.min(16_384, Math.max(64, Math.round(perSecond * BURST_SECONDS)));

async function totals(fleet) {
  const each = await fleet.ask({});
  const sum = (name) => each.reduce((total, one) => total + one[name], 0);
  return { cpu: sum('cpu'), claims: sum('claims') };
}

function summary(results) {
  const times = results.flatMap((result) => result.times);
  const of = (name) => median(results.map((result) => result[name]));
  return {
    perSecond: of('perSecond'),
    cpu: of('cpu'),
    claimsPerSecond: of('claimsPerSecond'),
    generator: of('generator'),
    rounds: results.length,
    ...(times.length > 0 ? { p50: median(times), p99: quantile(times, 0.99) } : {}),
  };
}

export function reportFleets(cells) {
  const one = (kind) => cells.find((cell) => cell.kind === kind && cell.processes === 1);
  const rows = Object.keys(NAMES).flatMap((kind) => cells.filter((cell) => cell.kind === kind));
  return table([
    ['', 'processes', 'per s', 'of one', 'p50 us', 'p99 us', 'claims/s', 'CPU us', 'generator', 'bursts'],
    ...rows.map((cell) => [
      NAMES[cell.kind],
      String(cell.processes),
      whole(cell.perSecond),
      one(cell.kind) ? (cell.perSecond / one(cell.kind).perSecond).toFixed(2) : '',
      cell.p50 ? whole(cell.p50) : '',
      cell.p99 ? whole(cell.p99) : '',
      whole(cell.claimsPerSecond),
      cell.cpu.toFixed(0),
      cell.p50 ? `${Math.round(100 * cell.generator)} %` : '',
      String(cell.rounds),
    ]),
  ]);
}

export const newApiKey = () => randomBytes(24).toString('base64url');
