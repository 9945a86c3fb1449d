// npm run bench:scale [-- --seconds 60 --processes 1,2,3,4 --agents 500 --iterations 200 --seed 1]: one service of several processes behind
// one port with Redis, and workloads with many agents beside published figures.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { generateIdentity } from '@private.me/xlink';
import { startRedis } from './compare/redis.mjs';
import { startFleet } from './scale/fleet.mjs';
import { measureFleets, newApiKey, reportFleets } from './scale/throughput.mjs';

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    processes: { type: 'string', default: '1,2,3,4' },
    agents: { type: 'string', default: '500' },
    iterations: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const sizes = args.processes.split(',').map(Number);
const cores = cpus().length;
console.log(`Node ${process.versions.node}, ${cores} x ${cpus()[0].model}`);
const most = Math.max(...sizes);
if (cores < most + 2)
  console.log(
    `This machine has fewer cores (${cores}) than ${most} processes, Redis and the callers want (${most + 2}): a row whose processes share
cores shows what sharing them costs, not what more cores bring.`,
  );

const redis = await startRedis();
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
} finally {
  await Promise.all(fleets.map(({ stop }) => stop()));
  await redis.stop();
}
