// npm run bench:scale [-- --seconds 60 --processes 1,2,3,4 --agents 500 --walks 15 --seed 1]: one service of several processes behind
// one port with Redis, and workloads with many agents beside published figures.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { generateIdentity } from '@private.me/xlink';
import { startRedis } from './compare/redis.mjs';
import { agentsOf, allAtOnce } from './scale/agents.mjs';
import { callsOf, measureCosts, measureHops } from './scale/costs.mjs';
import { startFleet } from './scale/fleet.mjs';
import { PUBLISHED } from './scale/published.mjs';
import { measureFleets, newApiKey, reportFleets } from './scale/throughput.mjs';
import { startTokens } from './scale/tokens.mjs';
import { reportHops, reportStorm, reportWorkflow } from './scale/workloads.mjs';

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    processes: { type: 'string', default: '1,2,3,4' },
    agents: { type: 'string', default: '500' },
    walks: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
  },
});
const sizes = args.processes.split(',').map(Number);
const cores = cpus().length;
console.log(`Node ${process.versions.node}, ${cores} x ${cpus()[0].model}`);
const most = Math.max(...sizes);
if (cores < most + 2)
  console.log(`${cores} cores for up to ${most} processes, Redis and the callers: where processes share cores, a row shows what sharing costs, not
what more cores bring.`);

const [busy] = loadavg();
if (busy > cores / 4)
  console.log(
    `Others keep this machine busy: a load of ${busy.toFixed(1)} on ${cores} cores before the start.`,
  );

const redis = await startRedis();
const tokens = await startTokens();
const fleets = [];
try {
  await (await redis.connect({})).quit();
  const apiKey = newApiKey();
  const identity = (await generateIdentity()).value;
  const settings = {
    pkcs8: Buffer.from(identity.exportPKCS8()).toString('base64'),
    redisPort: redis.port,
    apiKey,
  };
  for (const processes of sizes) fleets.push(await startFleet(processes, settings));
  const cells = await measureFleets(fleets, redis, { apiKey, seconds: Number(args.seconds) });
  console.log(`
1. POST of 1 KiB to one port, 16 connections; nonces, session numbers, keys of tickets and the registry in one Redis. Interleaved bursts,
   medians; p99 over all of their requests; CPU of all processes for one request; "generator" is how busy the callers' thread was.
`);
  console.log(reportFleets(cells));
  await workloads(cells, fleets[0], apiKey);
} finally {
  tokens.stop();
  await Promise.all(fleets.map(({ stop }) => stop()));
  await redis.stop();
}

/** With the costs of this run. The simulations give the same for the same seed and costs. */
async function workloads(cells, fleet, apiKey) {
  const { agents, walks, seed, seconds } = Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, Number(value)]),
  );
  const { hops, rtt } = PUBLISHED.hops;
  const iterations = 200;
  const calls = await callsOf(fleet, tokens, redis, apiKey);
  const v2 = cells.find(({ kind, processes }) => kind === 'v2' && processes === fleet.processes);
  const costs = {
    ...(await measureCosts(fleet, calls, redis, { seconds: seconds / 6 })),
    serverCpu: { v2: v2.cpu / 1000 },
  };
  console.log(`
2. Workloads of the xLink white papers: seed ${seed}, network ${rtt} ms there and back, give or take a half, ${iterations} walks simulated and ${walks} measured,
   tokens valid for ${PUBLISHED.workflow.lifetimeMinutes} minutes. Costs, medians of this run in ms:
   calls      ${said(costs.call)}
   proofs     ${said(costs.proof)} (what the call takes more than one without)
   handshake  ${said(costs.handshake)} (CPU of the service; time with the two calls around it)
   service    ${said(costs.serverCpu)} (CPU for an envelope, under load)

2a. ${agents} agents start at one moment; the token endpoint lets ${PUBLISHED.storm.perSecond} through in a second
`);
  const measured = {
    tokens: await tokensAtOnce(agents),
    messages: await allAtOnce(fleet, await agentsOf(fleet, redis, agents)),
  };
  console.log(reportStorm({ costs, measured, agents, rtt, seed }));
  console.log(`
2b. A workflow that proves itself ${PUBLISHED.workflow.perMinute} times a minute, for hours
`);
  console.log(reportWorkflow({ costs }));
  console.log(`
2c. ${hops} hops, one after the other
`);
  console.log(
    reportHops({ costs, measured: await measureHops(calls, { hops, walks, rtt }), iterations, seed }),
  );
}

async function tokensAtOnce(agents) {
  await tokens.limit(PUBLISHED.storm.perSecond);
  const start = performance.now();
  await Promise.all(Array.from({ length: agents }, (_, i) => tokens.tokenInTheEnd(`agent-${i}`)));
  const last = performance.now() - start;
  await tokens.limit(0);
  return { last, share: 1 };
}

function said(costs) {
  return Object.entries(costs)
    .map(([name, value]) => `${name} ${value.toFixed(2)}`)
    .join(', ');
}
