import { Agent, ENVELOPE_TYPE, MemoryTrustRegistry, requestBinding } from '@private.me/xlink';
import { callerOf, startServer } from './http.mjs';
import { Connection, httpRequest, load } from './load.mjs';
import { median, rounds, table, whole } from './stats.mjs';

const CONNECTIONS = 16;
const PATH = '/xlink/orders';
const KIB = 1024;
const MIN_ROUNDS = 3;
/** Requests in a burst; of large ones fewer. */
const BURST = 400;
const LARGE_BURST = 40;

/** What a refusal costs the server, by its reason. The same bytes are sent again and again: none of them is accepted. */
export async function benchRefusals(seconds) {
  const server = await startServer();
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => Connection.open(server.port)),
  );
  const kinds = await kindsOfRefusal(server);
  const run = (time, atLeast) => rounds(time, atLeast, kinds, (kind) => measure(server, connections, kind));
  await run(seconds / 4, 1);
  for (const kind of kinds) kind.results = [];
  await run((seconds * 3) / 4, MIN_ROUNDS);
  for (const connection of connections) connection.close();
  server.process.disconnect();
  return table([
    ['', 'CPU us', 'p95 of bursts'],
    ...kinds.map(({ name, results }) => {
      const sorted = [...results].sort((a, b) => a - b);
      return [name, whole(median(sorted)), whole(sorted.at(Math.ceil(sorted.length * 0.95) - 1))];
    }),
  ]);
}

async function kindsOfRefusal(server) {
  const { did, keys, apiKey } = server;
  const body = (bytes) => httpRequest('POST', PATH, { 'Content-Type': ENVELOPE_TYPE }, bytes);
  const get = (headers) => httpRequest('GET', PATH, headers);
  const known = { v2: await callerOf(server, 2), v3: await callerOf(server, 3) };
  const forged = async (maxVersion, from, bytes = KIB) => {
    const registry = new MemoryTrustRegistry();
    await registry.register({ did, keys });
    const stranger = await Agent.quickstart({ registry, maxVersion });
    const envelope = await stranger.createRequest({
      to: did,
      payload: { text: 'x'.repeat(bytes) },
      request: requestBinding('POST', PATH),
    });
    return Buffer.from(JSON.stringify({ ...envelope, ...(from ? { from } : {}) }));
  };
  const replayed = await known.v2.post(PATH);
  const kind = (name, bytes, burst = BURST) => ({ name, bytes, burst, results: [] });
  const kinds = [
    kind('no credentials', get({})),
    kind('wrong API key', get({ 'X-API-Key': `not ${apiKey.slice(4)}` })),
    kind('garbage', body(Buffer.alloc(KIB, 'x'))),
    kind('garbage, 1 MiB', body(Buffer.alloc(KIB * KIB, 'x')), LARGE_BURST),
    kind('junk that begins like an envelope, 1 MiB', body(Buffer.alloc(KIB * KIB, '{"')), LARGE_BURST),
    kind('unknown DID', body(await forged(2))),
    kind('unknown DID, 700 KiB', body(await forged(2, undefined, 500 * KIB)), LARGE_BURST),
    kind('bad signature, version 2', body(await forged(2, known.v2.did))),
    kind('bad signature, version 3', body(await forged(3, known.v3.did))),
    kind('replay', replayed),
  ];
  await sendOnce(server, replayed);
  return kinds;
}

/** What is a replay from now on. */
async function sendOnce({ port }, bytes) {
  const connection = await Connection.open(port);
  await connection.request(bytes);
  connection.close();
}

async function measure(server, connections, kind) {
  const requests = new Array(kind.burst).fill(kind.bytes);
  const before = await server.ask({});
  const { failed } = await load(connections, requests);
  const after = await server.ask({});
  if (failed !== kind.burst)
    throw new Error(`${kind.name}: ${kind.burst - failed} of ${kind.burst} were accepted`);
  kind.results.push((after.user + after.system - before.user - before.system) / kind.burst);
}
