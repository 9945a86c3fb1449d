import { DualModeAdapter } from '@private.me/xlink';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import express from 'express';
import { Registry } from 'prom-client';
import { adminRoutes } from './admin.mjs';
import { currentCustomer } from './current-customer.mjs';
import { openDatabase } from './database.mjs';
import { errorHandler, notFound } from './errors.mjs';
import { findApiKey } from './key-table.mjs';
import { orders } from './orders.mjs';
import { payments } from './payments.mjs';
import { publicRoutes } from './public.mjs';
import { loadServiceAgent } from './service-identity.mjs';
import { SqlTrustRegistry } from './trust-registry.mjs';

/**
 * The API, with its state in a folder.
 * @param {object} options
 * @param {string} options.folder
 * @param {string} options.adminToken
 * @param {import('@private.me/xlink').Mode} [options.mode]
 * @param {number} [options.adoptionWindowMs]
 */
export async function openApp({ folder, adminToken, mode = 'hybrid', adoptionWindowMs = 10_000 }) {
  const database = openDatabase(folder);
  const registry = new SqlTrustRegistry(database);
  const agent = await loadServiceAgent(folder, registry);
  const metrics = new Registry();

  const adapter = new DualModeAdapter({
    agent,
    mode,
    legacyKeyValidator: (apiKey) => findApiKey(database, apiKey),
    observers: [prometheusMetrics({ register: metrics, adoptionWindowMs }), logFaults],
    maxEnvelopeBytes: 128 * 1024,
    maxBodyBytes: 64 * 1024,
  });

  const app = express().disable('x-powered-by');
  app.use(publicRoutes({ agent, adapter, metrics }));
  app.use('/admin', adminRoutes({ database, registry, adapter, adminToken }));

  app.use(adapter.middleware()); // from here on every caller is known, by API key or by xLink
  app.use(express.json({ limit: '64kb' }));
  app.use(currentCustomer(database));
  app.use('/orders', orders(database));
  app.use('/payments', payments(database));
  app.use(notFound, errorHandler);

  return { app, did: agent.did, close: () => database.close() };
}

/** @type {import('@private.me/xlink').Observer} */
const logFaults = (event) => {
  if (event.type === 'fault') console.error(event.error);
};
