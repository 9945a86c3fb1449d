// One instance of the purchase endpoint. Environment:
//
//   STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_PRICE_BASIC, STRIPE_PRICE_MIDDLE, STRIPE_PRICE_ENTERPRISE
//   XLINK_SINCE     day 0 of the 90 days in which purchases by e-mail end, such as 2026-11-01
//   IDENTITY_FILE   the identity of the service (service.pkcs8; made at the first start), the same for all instances
//   DATABASE_URL    PostgreSQL: who may buy, which envelopes and idempotency keys were seen
//   REDIS_URL       where purchases are counted; without it each instance counts for itself
//   HOST            under which buyers reach this, such as api.example.com; without it that of the request
//   TRUST_PROXY     addresses of proxies in front, as for Express; without it the connection's own address counts
//   INSTANCES (1), PORT (3000), EMAIL_DOMAIN (private.me), STRIPE_URL (a stand-in, for tests)
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, identityFromFile } from '@private.me/xlink';
import {
  PostgresNonceStore,
  PostgresOperationsStore,
  PostgresTrustRegistry,
} from '@private.me/xlink/postgres';
import { RedisLimitStore, redisClientOptions } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { openApp } from './app.mjs';
import { openStripe, StripeProvider } from './stripe.mjs';

const { env } = process;
const pool = new pg.Pool({ connectionString: needed('DATABASE_URL') });
pool.on('error', (error) => console.error(error.message)); // an idle connection broke: the next call opens another
const redis = env['REDIS_URL'] ? new Redis(env['REDIS_URL'], redisClientOptions.ioredis) : undefined;
redis?.on('error', (error) => console.error(error.message));

const registry = new PostgresTrustRegistry({ pool });
const nonceStore = new PostgresNonceStore({ pool });
const store = new PostgresOperationsStore({ pool, table: 'purchases' });
await Promise.all([registry.migrate(), nonceStore.migrate(), store.migrate()]); // before anybody seals an envelope

const agent = new Agent({
  name: 'purchases',
  identity: await identityFromFile(env['IDENTITY_FILE'] ?? 'service.pkcs8'),
  registry,
  nonceStore,
});
const stripe = await openStripe({
  apiKey: needed('STRIPE_SECRET_KEY'),
  ...(env['STRIPE_URL'] ? { url: new URL(env['STRIPE_URL']) } : {}),
});
const { app, close } = openApp({
  agent,
  provider: new StripeProvider({
    stripe,
    webhookSecret: needed('STRIPE_WEBHOOK_SECRET'),
    prices: {
      basic: needed('STRIPE_PRICE_BASIC'),
      middle: needed('STRIPE_PRICE_MIDDLE'),
      enterprise: needed('STRIPE_PRICE_ENTERPRISE'),
    },
  }),
  xlinkSince: new Date(needed('XLINK_SINCE')),
  store,
  limits: redis && new RedisLimitStore({ client: redis, keyPrefix: 'purchases:limit:' }),
  emailDomain: env['EMAIL_DOMAIN'],
  hosts: env['HOST'] ? [env['HOST']] : undefined,
  instances: Number(env['INSTANCES'] ?? 1),
  trustProxy: env['TRUST_PROXY'],
});

const server = createServer(app).listen(Number(env['PORT'] ?? 3000), '127.0.0.1');
await once(server, 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
console.log(`${agent.did}\nlistening on http://127.0.0.1:${port}`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);

async function stop() {
  server.close();
  setInterval(() => server.closeIdleConnections(), 50).unref();
  await once(server, 'close'); // purchases that are being made are finished
  await close();
  redis?.disconnect();
  await pool.end();
}

/** @param {string} name */
function needed(name) {
  const value = env[name];
  if (value) return value;
  console.error(`${name} is not set; the head of server.mjs says what is needed.`);
  process.exit(1);
}
