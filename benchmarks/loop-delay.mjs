import { setTimeout as wait } from 'node:timers/promises';
import { callerOf, startServer } from './http.mjs';
import { Connection, httpRequest, load } from './load.mjs';
import { median, rounds, table } from './stats.mjs';

const CONNECTIONS = 16;
const MIN_ROUNDS = 3;
/** How long a burst takes, in s. */
const BURST_SECONDS = 0.5;

/** How long the event loop of the server is kept from what is due, under load of each kind at a time and without any. In ms. */
export async function benchLoopDelay(seconds) {
  const server = await startServer();
  const [v2, v3] = [await callerOf(server, 2), await callerOf(server, 3)];
  const body = Buffer.from(JSON.stringify({ text: 'x'.repeat(1024 - 11) }));
  const open = httpRequest('POST', '/open/orders', { 'Content-Type': 'application/json' }, body);
  const kinds = [
    kindOf('none, as the machine is', undefined, 0),
    kindOf('no auth', () => open, CONNECTIONS),
    kindOf('v2', () => v2.post('/xlink/orders'), CONNECTIONS),
    kindOf('v3', () => v3.post('/xlink/orders'), CONNECTIONS),
    kindOf('v2', () => v2.post('/xlink/orders'), 1),
    kindOf('v3', () => v3.post('/xlink/orders'), 1),
  ];
  const connections = [];
  for (let i = 0; i < CONNECTIONS; i++) connections.push(await Connection.open(server.port));
  const run = (time, atLeast) =>
    rounds(time, atLeast, kinds, (kind) => measure(server, connections.slice(0, kind.width), kind));
  await run(seconds / 4, 1);
  for (const kind of kinds) kind.results = [];
  await run((seconds * 3) / 4, MIN_ROUNDS);
  for (const connection of connections) connection.close();
  server.process.disconnect();
  return table([
    ['Event loop of the server', 'requests at a time', 'p50 ms', 'p99 ms', 'longest ms', 'requests/s'],
    ...kinds.map(({ name, width, results }) => [
      name,
      String(width),
      ...['p50', 'p99', 'max'].map((of) => median(results.map(({ delay }) => delay[of])).toFixed(1)),
      median(results.map(({ perSecond }) => perSecond)).toFixed(0),
    ]),
  ]);
}

const kindOf = (name, make, width) => ({ name, make, width, size: 32, results: [] });

async function measure(server, connections, kind) {
  const requests = [];
  for (let i = 0; kind.make && i < kind.size; i++) requests.push(await kind.make());
  await server.ask({ delay: 'watch' });
  if (!kind.make) await wait(1000 * BURST_SECONDS);
  const { failed, perSecond } = await load(connections, requests);
  const { delay } = await server.ask({ delay: 'stop' });
  if (!kind.make) return void kind.results.push({ delay, perSecond: 0 });
  if (failed > 0) throw new Error(`${failed} requests were refused`);
  kind.results.push({ delay, perSecond });
  kind.size = Math.min(4096, Math.max(32, Math.round(perSecond * BURST_SECONDS)));
}
