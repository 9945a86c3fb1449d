import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, ENVELOPE_TYPE, MemoryTrustRegistry, requestBinding } from '@private.me/xlink';
import { Connection, httpRequest, load } from './load.mjs';
import { median, rounds, spread, table, whole } from './stats.mjs';

const CONNECTIONS = 16;
const PAYLOAD = { text: 'x'.repeat(1024 - 11) };
const MIN_ROUNDS = 3;
/** Per round, this many requests go one by one, for their latency. */
const SINGLE_REQUESTS = 30;
/** How long a burst of one kind of request takes, as a share of the whole. */
const BURST_SHARE = 1 / 100;

/** An Express route over loopback with each kind of authentication, for `seconds` after a third of that to warm up. */
export async function benchHttp(seconds) {
  const server = await startServer();
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => Connection.open(server.port)),
  );
  const kinds = await kindsOfRequest(server);
  const run = (time, atLeast) =>
    rounds(time, atLeast, kinds, (kind) => measure(server, connections, kind, seconds * BURST_SHARE));
  await run(seconds / 3, 1);
  for (const kind of kinds) kind.results = [];
  await run((seconds * 2) / 3, MIN_ROUNDS);
  for (const connection of connections) connection.close();
  server.process.disconnect();
  return report(kinds);
}

/** server.mjs in a process of its own. */
export async function startServer() {
  const apiKey = randomBytes(24).toString('base64url');
  const child = fork(new URL('server.mjs', import.meta.url), {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      API_KEY_SHA256: createHash('sha256').update(apiKey).digest('hex'),
    },
  });
  const ask = async (message) => {
    child.send(message);
    const [answer] = await once(child, 'message');
    return answer;
  };
  const [{ port, did, keys }] = await once(child, 'message');
  return { process: child, apiKey, port, did, keys, ask };
}

async function kindsOfRequest(server) {
  const body = Buffer.from(JSON.stringify(PAYLOAD));
  const json = { 'Content-Type': 'application/json' };
  const key = { 'X-API-Key': server.apiKey };
  const v2 = await callerOf(server, 2);
  const v3 = await callerOf(server, 3);
  const byHand = async () => {
    const { byHand } = await server.ask({ byHand: 1 }); // its keys are at the server, and only what it does behind HTTP is measured
    return httpRequest('POST', '/hand/orders', { 'Content-Type': ENVELOPE_TYPE }, Buffer.from(byHand[0]));
  };
  const kind = (name, make, base) => ({ name, make, base, size: 64, results: [] });
  return [
    kind('POST  no auth', () => httpRequest('POST', '/open/orders', json, body)),
    kind('POST  API key', () => httpRequest('POST', '/key/orders', { ...json, ...key }, body), 0),
    kind('POST  API key, adapter', () => httpRequest('POST', '/xlink/orders', { ...json, ...key }, body), 0),
    kind('POST  v2 body', () => v2.post('/xlink/orders'), 0),
    kind('POST  v3 body', () => v3.post('/xlink/orders'), 0),
    kind('POST  v2 by hand', byHand, 0),
    kind('GET   no auth', () => httpRequest('GET', '/open/orders')),
    kind('GET   API key', () => httpRequest('GET', '/key/orders', key), 6),
    kind('GET   v2 header', () => v2.get('/xlink/orders'), 6),
  ];
}

/** A client of that version, known to the server. */
export async function callerOf({ did, keys, ask }, maxVersion) {
  const registry = new MemoryTrustRegistry();
  await registry.register({ did, keys });
  const agent = await Agent.quickstart({ registry, maxVersion });
  await ask({ register: { did: agent.did, keys: await agent.keyRecord() } });
  const seal = async (method, path, options) =>
    Buffer.from(
      JSON.stringify(
        await agent.createRequest({ to: did, request: requestBinding(method, path), ...options }),
      ),
    );
  return {
    did: agent.did,
    post: async (path) =>
      httpRequest(
        'POST',
        path,
        { 'Content-Type': ENVELOPE_TYPE },
        await seal('POST', path, { payload: PAYLOAD }),
      ),
    get: async (path) => {
      const envelope = await seal('GET', path, { signedOnly: true });
      return httpRequest('GET', path, { Authorization: `Xlink ${envelope.toString('base64url')}` });
    },
  };
}

/** The requests of a burst are made ahead, each with an envelope of its own. */
async function measure(server, connections, kind, seconds) {
  const single = await load(connections.slice(0, 1), await makeMany(kind, SINGLE_REQUESTS));
  const requests = await makeMany(kind, kind.size);
  const before = await server.ask({});
  const burst = await load(connections, requests);
  const after = await server.ask({});
  const cpu = after.user + after.system - before.user - before.system;
  kind.results.push({ single, burst, cpuPerRequest: cpu / requests.length });
  kind.size = Math.max(32, Math.round(burst.perSecond * seconds));
}

async function makeMany({ make }, count) {
  const made = [];
  for (let i = 0; i < count; i++) made.push(await make());
  return made;
}

function report(kinds) {
  const perSecond = ({ results }) => median(results.map(({ burst }) => burst.perSecond));
  const cpu = ({ results }) => median(results.map(({ cpuPerRequest }) => cpuPerRequest));
  const rows = [['', 'requests/s', 'ratio', 'server CPU us', 'latency us, one caller', 'not 2xx']];
  for (const kind of kinds) {
    const base = kind.base === undefined ? kind : kinds[kind.base];
    const failed = kind.results.reduce((sum, { single, burst }) => sum + single.failed + burst.failed, 0);
    rows.push([
      kind.name,
      whole(perSecond(kind)),
      (perSecond(kind) / perSecond(base)).toFixed(2),
      whole(cpu(kind)),
      spread(kind.results.flatMap(({ single }) => single.times)),
      String(failed),
    ]);
  }
  const failed = rows.slice(1).some((row) => row.at(-1) !== '0');
  return { text: table(rows), failed };
}
