// The API itself: two routes behind the adapter, and what operators see of it on a port of their own.
import { DualModeAdapter, MigrationPlan, requireScope, SharedMode } from '@private.me/xlink';
import { logObserver } from '@private.me/xlink/logging';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import express from 'express';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { findCustomer } from './customers.mjs';

/** The proxy in front has the same limit (client_max_body_size). */
export const MAX_BODY_BYTES = 1024 * 1024;

/** An instance has 256 MiB, and a body takes several times its size while it is judged. */
const MAX_UNAUTHENTICATED_BYTES = 16 * 1024 * 1024;

/**
 * @param {object} parts
 * @param {import('@private.me/xlink').Agent} parts.agent
 * @param {ReturnType<typeof import('./stores.mjs').openPostgres>} parts.postgres
 * @param {readonly string[]} parts.hosts under which callers reach the API
 * @param {import('@private.me/xlink').Mode} parts.mode where nothing is stored yet
 * @param {string} parts.dashboardPassword
 * @param {import('pino').Logger} parts.logger
 */
export function createApi({ agent, postgres, hosts, mode, dashboardPassword, logger }) {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });

  const adapter = new DualModeAdapter({
    agent,
    mode,
    hosts,
    legacyKeyValidator: (apiKey) => findCustomer(postgres.pool, apiKey),
    clients: postgres.clients,
    maxEnvelopeBytes: MAX_BODY_BYTES,
    maxBodyBytes: MAX_BODY_BYTES,
    maxUnauthenticatedBytes: MAX_UNAUTHENTICATED_BYTES,
    addressOf: addressBehindProxy,
    instances: 2, // or more: what counts is that it is not one
    observers: [prometheusMetrics({ register: metrics, maxClients: 100 }), logObserver(logger)],
  });
  const sharedMode = new SharedMode({ adapter, store: postgres.modes });
  const plan = new MigrationPlan({ adapter, sharedMode }); // advises; `auto: true` would act

  const api = express().disable('x-powered-by');
  api.use(adapter.middleware());
  api.use(express.json({ limit: MAX_BODY_BYTES }));
  api.get('/orders/:number', requireScope('orders:read'), (req, res) => {
    res.json({ number: req.params.number });
  });
  api.post('/orders', requireScope('orders:write'), (req, res) => {
    res.status(201).json({ received: req.body });
  });
  api.use(problems(logger));

  const internal = express().disable('x-powered-by');
  internal.use('/dashboard', adapter.dashboard({ password: dashboardPassword, plan }));
  internal.get('/metrics', async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.metrics());
  });

  return { api, internal, adapter, sharedMode, plan };
}

/**
 * The last address is what the proxy in front saw; any before it are what callers say. Nobody gets here past the proxy.
 * @param {import('@private.me/xlink').InboundRequest} request
 */
const addressBehindProxy = (request) => request.header('x-forwarded-for')?.split(',').at(-1)?.trim();

/**
 * What a parser refuses it quotes, and that is a piece of the body: neither the answer nor the log holds it.
 * @param {import('pino').Logger} logger
 * @returns {import('express').ErrorRequestHandler}
 */
const problems = (logger) => (error, _req, res, next) => {
  if (res.headersSent) return next(error);
  const status = error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status === 500) logger.error({ err: error }, 'a handler failed');
  res.status(status).type('application/problem+json').json({ type: 'about:blank', status });
};
