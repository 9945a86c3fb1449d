// One instance of an API that shares its nonces in Redis, and, if there is one, registry and clients in PostgreSQL.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, DualModeAdapter, RedisNonceStore } from '@private.me/xlink';
import { redisClientOptions } from '@private.me/xlink/redis';
import express from 'express';
import Redis from 'ioredis';
import { knownCallers } from './known-callers.mjs';
import { answerQuestions } from './questions.mjs';

const settings = JSON.parse(process.env.SETTINGS);
const { pkcs8, redisPort, redisMs, mode, clockOffsetMs } = settings;
const clock = () => Date.now() + clockOffsetMs;

const redis = new Redis({
  port: redisPort,
  host: '127.0.0.1',
  ...redisClientOptions.ioredis,
  retryStrategy: () => 50,
});
redis.on('error', () => {}); // the store says it where it matters
await once(redis, 'ready');
const { registry, clients } = await knownCallers(settings);
const agent = await Agent.importIdentity({
  pkcs8: Buffer.from(pkcs8, 'base64'),
  registry,
  nonceStore: new RedisNonceStore({ client: redis, clock, ...(redisMs ? { timeoutMs: redisMs } : {}) }),
  clock,
});
if (!agent.ok) throw agent.error;
const adapter = new DualModeAdapter({
  agent: agent.value,
  mode,
  legacyKeyValidator: (key) => (key === 'key of globex' ? { clientId: 'globex' } : null),
  clientFlushIntervalMs: 200,
  refusalsPerSecond: 1_000_000, // replays here all come from one address, that of nginx, as fast as they can
  clock,
  ...(clients ? { clients } : {}),
});

/** Numbers of the orders that got through to the handler. */
let accepted = [];
/** How many did, by method and client. */
const served = {};
/** When the last one of each client did, in ms since 1970. */
const lastAccepted = {};
const app = express().disable('x-powered-by').disable('etag');
app.use(adapter.middleware());
app.get('/orders/:number', (req, res) => {
  const { mode: method, client, clientId } = req.auth;
  const caller = client ?? clientId ?? 'of nobody known';
  const whose = `${method} ${caller}`;
  served[whose] = (served[whose] ?? 0) + 1;
  accepted.push(Number(req.params.number));
  lastAccepted[caller] = Date.now();
  res.json({ number: req.params.number });
});
// Longer than nginx keeps an idle connection, so that it is nginx who closes it: otherwise it may send into one that ends (502).
const server = createServer({ keepAliveTimeout: 75_000 }, app).listen(0, '127.0.0.1');
await once(server, 'listening');

answerQuestions(
  { port: server.address().port },
  {
    accepted() {
      const numbers = accepted;
      accepted = [];
      return numbers;
    },
    served: () => served,
    lastAccepted: () => lastAccepted,
    /** Writes what was counted, as before an orderly stop. */
    flush: () => adapter.close(),
    memory() {
      globalThis.gc?.();
      globalThis.gc?.();
      const { heapUsed, rss } = process.memoryUsage();
      return { heapUsed, rss, handles: process.getActiveResourcesInfo().length };
    },
  },
);
