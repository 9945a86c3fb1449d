// One instance of the API. All that it knows is in Redis and PostgreSQL: start as many as you like.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from '@private.me/xlink';
import { REDACT_PATHS } from '@private.me/xlink/logging';
import express from 'express';
import pino from 'pino';
import { createApi } from './api.mjs';
import { serverConfig } from './config.mjs';
import { createCustomers } from './customers.mjs';
import { drain, finish } from './draining.mjs';
import { liveness, readiness } from './health.mjs';
import { cached, openPostgres, openRedis } from './stores.mjs';

/** From the signal to the end, whatever happens. */
const STOP_WITHIN_MS = 9500;
/** How long requests that are under way get once the instance takes no more. */
const FINISH_MS = 3000;

const logger = pino({ redact: [...REDACT_PATHS] });
const config = readConfig();
const postgres = openPostgres(config.postgresUrl);
const redis = openRedis(config.redisUrl, config.redisTimeoutMs);
const registry = cached(postgres.registry);
const { pkcs8, hosts, mode, dashboardPassword } = config;
const restored = await Agent.importIdentity({
  pkcs8,
  registry,
  nonceStore: redis.nonces,
  postQuantumSig: true,
});
if (!restored.ok) throw restored.error;
const agent = restored.value;

await createCustomers(postgres.pool);
const { api, internal, adapter, sharedMode, plan } = createApi({
  agent,
  postgres,
  hosts,
  mode,
  dashboardPassword,
  logger,
});
await sharedMode.start(); // in the mode of the others, before the first request
plan.start((error) => logger.warn({ err: error }, 'the plan could not be looked at'));

let isStopping = false;
internal.get('/healthz', liveness);
internal.get(
  '/readyz',
  readiness({ redis: redis.ping, postgres: postgres.ping }, () => isStopping),
);
const publicServer = serve(
  express()
    .disable('x-powered-by')
    .use(
      drain(() => isStopping),
      api,
    ),
  config.port,
);
const internalServer = serve(internal, config.internalPort);
await Promise.all([once(publicServer, 'listening'), once(internalServer, 'listening')]);
logger.info({ did: agent.did, ports: [portOf(publicServer), portOf(internalServer)] }, 'listening');

process.on('SIGTERM', stop);
process.on('SIGINT', stop);

/** Impatient supervisors send a second signal: it must not end the process in the middle of this. */
async function stop() {
  if (isStopping) return;
  isStopping = true;
  setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
  await pause(config.drainMs); // until no request is sent here
  await finish(publicServer, FINISH_MS);
  plan.stop();
  sharedMode.stop();
  await adapter.close().catch((error) => logger.error({ err: error }, 'counts of clients were lost'));
  await finish(internalServer, 100);
  await postgres.close();
  redis.close();
  logger.info('stopped');
}

/** @param {import('express').Express} app @param {number} port */
function serve(app, port) {
  const server = createServer({ maxHeaderSize: 32 * 1024 }, app); // an envelope may stand in a header
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 75_000; // longer than the proxy's: the side that closes must be the side that sends
  return server.listen(port, config.host);
}

/** @param {import('node:http').Server} server */
function portOf(server) {
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

function readConfig() {
  try {
    return serverConfig(process.env);
  } catch (error) {
    logger.fatal(/** @type {Error} */ (error).message);
    process.exit(1);
  }
}
