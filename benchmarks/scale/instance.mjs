// One process of a service of several, all behind one port, with everything shared in Redis. Forked by fleet.mjs.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, CachedTrustRegistry, DualModeAdapter, RedisNonceStore } from '@private.me/xlink';
import {
  RedisSequenceStore,
  RedisTicketKeyStore,
  RedisTrustRegistry,
  redisClientOptions,
} from '@private.me/xlink/redis';
import express from 'express';
import { Redis } from 'ioredis';

const { pkcs8, port, redisPort, prefix, processes, apiKey } = JSON.parse(process.env.INSTANCE);
/** Where the cores are too few an answer of Redis may wait for one longer than the stores do by default. Here that is slow, and not refused. */
const timeoutMs = 10_000;
const client = new Redis({
  ...redisClientOptions.ioredis,

  port: redisPort,
  host: '127.0.0.1',
});
client.on('error', () => {}); // the stores say it where it matters
await once(client, 'ready');

let claims = 0;
/** The same store; what it is asked to claim is counted. */
function counted(store, names) {
  for (const name of names) {
    const claim = store[name]?.bind(store);
    if (claim)
      store[name] = (...args) => {
        claims += 1;
        return claim(...args);
      };
  }
  return store;
}
const nonces = counted(new RedisNonceStore({ client, keyPrefix: `${prefix}nonce:`, timeoutMs }), [
  'claim',
  'reserve',
]);
const sequences = counted(new RedisSequenceStore({ client, keyPrefix: `${prefix}sequence:`, timeoutMs }), [
  'claimSequence',
]);

const registry = new CachedTrustRegistry({
  registry: new RedisTrustRegistry({ client, keyPrefix: `${prefix}registry:`, timeoutMs }),
});
const agent = await Agent.importIdentity({
  pkcs8: Buffer.from(pkcs8, 'base64'),
  name: 'orders-api',
  registry,
  nonceStore: nonces,
  maxVersion: 3,
});
if (!agent.ok) throw agent.error;
const adapter = new DualModeAdapter({
  agent: agent.value,
  mode: 'hybrid',
  maxNoncesPerClient: 2 ** 24,
  legacyKeyValidator: (key) => (key === apiKey ? { clientId: 'acme', scopes: ['orders'] } : null),
  sessions: {
    handshakesPerMinute: 100_000,
    sequences,
    tickets: new RedisTicketKeyStore({ client, keyPrefix: `${prefix}tickets:`, timeoutMs }),
  },
});

let served = 0;
const orders = express.Router().post('/orders', express.json(), (req, res) => {
  served += 1;
  res.status(201).json({ id: 'order-1', accepted: req.body.text.length });
});
const app = express().disable('x-powered-by').disable('etag').use('/open', orders);
app.use(adapter.middleware()).use('/xlink', orders);
const server = app.listen(port, '127.0.0.1');
server.keepAliveTimeout = 600_000;
await once(server, 'listening');

/** Claims of this process alone, without HTTP: what the store gives. */
const CLAIMS = {
  nonce: () => {
    const use = { recipient: 'did:key:a', sender: 'did:key:b', timestamp: Date.now() };
    return nonces.claim({ ...use, nonce: randomBytes(16).toString('base64url') }, 60_000);
  },
  sequence: ({ sid, seq }) =>
    sequences.claimSequence({ sender: 'did:key:b', sid, seq, timestamp: Date.now() }, 60_000),
};
async function claimMany(kind, count, inFlight) {
  const sid = randomBytes(16).toString('base64url');
  let next = 0;
  const work = async () => {
    while (next < count)
      if (!(await CLAIMS[kind]({ sid, seq: next++ }))) throw new Error('A claim was refused');
  };
  await Promise.all(Array.from({ length: inFlight }, work));
}

process.on('message', async ({ claim, count, inFlight }) => {
  if (claim) await claimMany(claim, count, inFlight);
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system, served, claims });
});
process.on('disconnect', () => process.exit());
process.send({ did: agent.value.did, keys: await agent.value.keyRecord(), processes });
