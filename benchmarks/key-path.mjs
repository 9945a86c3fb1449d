import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Connection, httpRequest, load } from './load.mjs';
import { quantile, rounds, table } from './stats.mjs';

const CONNECTIONS = 16;
const BURST = 2000;
const MIN_ROUNDS = 4;

/** What the adapter adds to a request by API key: CPU of the server against the same check by hand, in pairs of bursts. */
export async function benchKeyPath(seconds) {
  const apiKey = randomBytes(24).toString('base64url');
  const child = fork(new URL('key-path-server.mjs', import.meta.url), {
    env: { ...process.env, NODE_ENV: 'production', API_KEY: apiKey },
  });
  const [{ port }] = await once(child, 'message');
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(port)));
  const kindOf = (path) => {
    const request = httpRequest('GET', path, { 'X-API-Key': apiKey, Accept: '*/*', 'User-Agent': 'bench' });
    return { requests: Array(BURST).fill(request), cpu: [] };
  };
  const [hand, adapter] = [kindOf('/hand/orders'), kindOf('/adapter/orders')];
  const run = (time, atLeast) =>
    rounds(time, atLeast, [hand, adapter], async ({ requests, cpu }) => {
      const before = await cpuOf(child);
      const { failed } = await load(connections, requests);
      if (failed > 0) throw new Error(`${failed} requests by key were refused`);
      cpu.push(((await cpuOf(child)) - before) / requests.length);
    });
  await run(seconds / 3, 2);
  for (const kind of [hand, adapter]) kind.cpu = [];
  await run((seconds * 2) / 3, MIN_ROUNDS);
  for (const connection of connections) connection.close();
  child.disconnect();
  return report(hand.cpu, adapter.cpu);
}

async function cpuOf(child) {
  child.send('cpu');
  const [{ user, system }] = await once(child, 'message');
  return user + system;
}

function report(hand, adapter) {
  const more = adapter.map((cpu, at) => cpu - hand[at]);
  const row = (name, values) => [name, ...[0.5, 0.25, 0.75].map((q) => quantile(values, q).toFixed(1))];
  return table([
    ['GET by API key', 'median us', 'lower quarter', 'upper quarter'],
    row('checked by hand', hand),
    row('by the adapter', adapter),
    row('more, burst by burst', more),
  ]);
}
