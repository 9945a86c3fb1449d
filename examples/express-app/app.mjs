import { join } from 'node:path';
import { DualModeAdapter, MigrationPlan } from '@private.me/xlink';
import { FileClientStore } from '@private.me/xlink/file';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import express from 'express';
import { Registry } from 'prom-client';
import { adminRoutes, metricsRoute } from './admin.mjs';
import { currentCustomer } from './current-customer.mjs';
import { openDatabase } from './database.mjs';
import { errorHandler, notFound } from './errors.mjs';
import { findApiKey } from './key-table.mjs';
import { orders } from './orders.mjs';
import { payments } from './payments.mjs';
import { publicRoutes } from './public.mjs';
import { loadServiceAgent } from './service-identity.mjs';
import { SqlTrustRegistry } from './trust-registry.mjs';

const SUNSET_DAYS = 90;

/**
 * The way of this API: once all traffic and all customers are on xLink, keys can go. The visitor may come or stay away.
 * @type {import('@private.me/xlink').Gate[]}
 */
const GATES = [
  {
    from: 'hybrid',
    to: 'xlink-only',
    minXlinkPercentage: 100,
    minDwellMs: 0,
    maxErrorRate: 0.01,
    requireSafeClients: true,
  },
];

/**
 * The API, with its state in a folder.
 * @param {object} options
 * @param {string} options.folder
 * @param {string} options.adminToken
 * @param {string} options.dashboardPassword
 * @param {import('@private.me/xlink').Mode} [options.mode]
 * @param {number} [options.windowMs] what counts as recent: a real API would say a day
 */
export async function openApp({ folder, adminToken, dashboardPassword, mode = 'hybrid', windowMs = 10_000 }) {
  const database = openDatabase(folder);
  const registry = new SqlTrustRegistry(database);
  const agent = await loadServiceAgent(folder, registry);
  const clients = await FileClientStore.open(join(folder, 'clients.jsonl'));
  const metrics = new Registry();

  const adapter = new DualModeAdapter({
    agent,
    mode,
    legacyKeyValidator: (apiKey) => findApiKey(database, apiKey),
    clients,
    signatures: true, // for callers without our library, such as clients/xlink.sh
    deprecation: { sunset: new Date(Date.now() + SUNSET_DAYS * 86_400_000) },
    observers: [
      prometheusMetrics({ register: metrics, adoptionWindowMs: windowMs, maxClients: 50 }),
      logFaults,
    ],
    maxEnvelopeBytes: 128 * 1024,
    maxBodyBytes: 64 * 1024,
    bodyLimits: [{ path: '/orders', methods: ['PUT'], maxBytes: 1024 * 1024 }], // documents
  });

  const report = { quietMs: windowMs / 2 };
  const ignoreClients = ['visitor'];
  const plan = new MigrationPlan({
    adapter,
    gates: GATES,
    windowMs,
    report,
    ignoreClients,
    intervalMs: 1000,
  });
  plan.start(logPlanFailure);

  const app = express().disable('x-powered-by');
  app.use(publicRoutes());
  app.use('/metrics', metricsRoute({ metrics, adminToken })); // it names clients
  app.use('/admin', adminRoutes({ database, registry, clients, adapter, adminToken, report, ignoreClients }));
  const title = 'Orders and payments: from keys to xLink';
  app.use(
    '/dashboard',
    adapter.dashboard({ password: dashboardPassword, plan, report, title, refreshMs: 1000 }),
  );

  app.use(adapter.middleware()); // from here on every caller is known, by API key or by xLink
  app.use(express.json({ limit: '64kb' }));
  app.use(currentCustomer(database));
  app.use('/orders', orders(database));
  app.use('/payments', payments(database));
  app.use(notFound, errorHandler);

  const close = async () => {
    plan.stop();
    await adapter.close();
    await clients.close();
    database.close();
  };
  return { app, did: agent.did, close };
}

const logPlanFailure = (/** @type {unknown} */ error) => console.error(error);

/** @type {import('@private.me/xlink').Observer} */
const logFaults = (event) => {
  if (event.type === 'fault') console.error(event.error);
};
