import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  Agent,
  DualModeAdapter,
  ENVELOPE_TYPE,
  MemoryClientStore,
  MemoryTrustRegistry,
  requestBinding,
} from '@private.me/xlink';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';
import { median, rounds, spread, table, whole } from './stats.mjs';

const BATCH = 20;
const MIN_ROUNDS = 10;
const PAYLOAD = { text: 'x'.repeat(1024 - 11) };
const TARGET = '/orders';
/** So many requests are counted before memory is looked at for the first time. */
const FIRST_LOOK = 100_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/**
 * What it costs to watch: an adapter with nothing on against one with Prometheus series (by client too), the cut-over
 * report, the page's history and a hook for every event. Both decide and settle v2 requests of 1 KiB.
 */
export async function benchWatching(seconds, requests) {
  const parties = await makeParties();
  const bare = watched(parties, false);
  const all = watched(parties, true);
  const sides = [bare, all];
  await rounds(seconds / 4, 1, sides, (side) => decide(parties, side));
  for (const side of sides) Object.assign(side, { decided: [], settled: [] });
  await rounds((seconds * 3) / 4, MIN_ROUNDS, sides, (side) => decide(parties, side));
  const memory = await memoryOf(all, requests);
  return report(bare, all, memory);
}

async function makeParties() {
  const registry = new MemoryTrustRegistry();
  const [api, caller] = await Promise.all([Agent.quickstart({ registry }), Agent.quickstart({ registry })]);
  return { api, caller };
}

function watched({ api, caller }, on) {
  const clients = new MemoryClientStore();
  clients.link(caller.did, 'acme');
  let events = 0;
  const adapter = new DualModeAdapter({
    agent: api,
    mode: 'hybrid',
    legacyKeyValidator: () => null,
    ...(on && {
      clients,
      observers: [prometheusMetrics({ register: new Registry(), maxClients: 100 }), () => (events += 1)],
    }),
  });
  if (on) adapter.dashboard({ unsafeOpenToEveryone: true });
  return { adapter, events: () => events, decided: [], settled: [] };
}

/** A batch of requests, each measured in its two parts: the decision, and the counting once the response is over. */
async function decide({ api, caller }, side) {
  const binding = requestBinding('POST', TARGET);
  for (let i = 0; i < BATCH; i++) {
    const envelope = await caller.createRequest({
      to: api.did,
      payload: PAYLOAD,
      scope: 'orders:write',
      request: binding,
    });
    const request = inbound(Buffer.from(JSON.stringify(envelope)));
    const start = performance.now();
    const decision = await side.adapter.decide(request);
    const middle = performance.now();
    side.adapter.recordOutcome(decision, TARGET, 200);
    const end = performance.now();
    if (decision.action !== 'pass') throw new Error('A request was refused', { cause: decision });
    side.decided.push((end - start) * 1000);
    side.settled.push((end - middle) * 1000);
  }
}

const inbound = (body) => ({
  method: 'POST',
  target: TARGET,
  hasBody: true,
  raw: {},
  header: (name) => (name === 'content-type' ? ENVELOPE_TYPE : undefined),
  readBody: async () => body,
});

/** Bytes of heap after the first 100 000 requests and after all of them, of many clients, routes and reasons. */
async function memoryOf({ adapter }, requests) {
  const heap = async () => {
    await adapter.close(); // what is held back for the report is written
    collectGarbage();
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const count = async (from, to) => {
    for (let n = from; n < to; n++) {
      adapter.recordOutcome(decisionOf(n), `/route/${n % 1000}`, 200);
      if (n % 50_000 === 0) await adapter.close();
    }
  };
  await count(0, FIRST_LOOK);
  const first = await heap();
  const started = performance.now();
  await count(FIRST_LOOK, requests);
  const perRequest = ((performance.now() - started) * 1000) / (requests - FIRST_LOOK);
  return { first, last: await heap(), requests, perRequest };
}

/** Key and envelope, 500 clients, one in eight refused. */
const decisionOf = (n) => ({
  action: 'pass',
  headers: {},
  outcome: {
    mode: 'hybrid',
    method: n % 2 === 0 ? 'xlink' : 'api-key',
    client: `client-${n % 500}`,
    durationMs: (n % 100) / 10,
    ...(n % 8 === 0 && { error: { id: n % 16 === 0 ? 'REPLAY_DETECTED' : 'SCOPE_DENIED' } }),
  },
});

function report(bare, all, { first, last, requests, perRequest }) {
  const added = median(all.decided) - median(bare.decided);
  const counting = median(all.settled) - median(bare.settled);
  const share = (us) => `${((100 * us) / median(bare.decided)).toFixed(1)} %`;
  const kib = (bytes) => `${whole(bytes / 1024)} KiB`;
  return `${table([
    ['', 'decide + settle', 'settle alone'],
    ['nothing watches', spread(bare.decided), spread(bare.settled)],
    ['metrics, report, page and hook', spread(all.decided), spread(all.settled)],
    ['added', `${added.toFixed(1)} (${share(added)})`, `${counting.toFixed(1)} (${share(counting)})`],
  ])}
  target: under 3 % of the whole

${table([
  ['', 'heap in use'],
  [`after ${whole(FIRST_LOOK)} requests`, kib(first)],
  [`after ${whole(requests)} requests`, kib(last)],
  ['grown by', `${kib(last - first)} (${((100 * (last - first)) / first).toFixed(1)} %)`],
])}
  of 500 clients on 1,000 routes; ${perRequest.toFixed(1)} microseconds for each to be counted`;
}
