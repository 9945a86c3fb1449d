import { createHash, timingSafeEqual } from 'node:crypto';
import express, { Router } from 'express';
import { createCustomer, findCustomer, migrationReport } from './customers.mjs';
import { ApiError } from './errors.mjs';
import { issueApiKey } from './key-table.mjs';

const ALL_SCOPES = ['orders:read', 'orders:write', 'payments:read', 'payments:write'];

/**
 * What the operator may do.
 * @param {object} parts
 * @param {import('./database.mjs').Database} parts.database
 * @param {import('./trust-registry.mjs').SqlTrustRegistry} parts.registry
 * @param {import('@private.me/xlink').ClientStore} parts.clients
 * @param {import('@private.me/xlink').DualModeAdapter} parts.adapter
 * @param {string} parts.adminToken
 * @param {import('@private.me/xlink').ReportOptions} parts.report
 * @param {readonly string[]} parts.ignoreClients
 */
export function adminRoutes({ database, registry, clients, adapter, adminToken, report, ignoreClients }) {
  const router = Router();
  router.use(requireToken(adminToken), express.json({ limit: '16kb' }));

  router.get('/customers', (_req, res) => {
    res.json({ customers: migrationReport(database) });
  });

  router.post('/customers', (req, res) => {
    const { name, scopes = ALL_SCOPES } = req.body ?? {};
    if (typeof name !== 'string' || name === '') throw new ApiError(422, 'name is a text.');
    if (!Array.isArray(scopes) || !scopes.every((scope) => ALL_SCOPES.includes(scope)))
      throw new ApiError(422, `scopes are among ${ALL_SCOPES.join(', ')}.`);
    const id = createCustomer(database, name);
    res.status(201).json({ id, name, scopes, apiKey: issueApiKey(database, id, scopes) });
  });

  /** Lets an identity act for a customer, with the scopes of the customer's API key. */
  router.post('/customers/:id/identities', async (req, res) => {
    const customer = findCustomer(database, req.params.id);
    if (!customer) throw new ApiError(404, 'There is no such customer.');
    const keys = req.body?.keys;
    if (!keys?.did) throw new ApiError(422, 'keys is a key record.');
    const sendScopes = scopesOfKeys(database, customer.id);
    const entry = { did: keys.did, name: customer.name, keys, sendScopes };
    const registered = await registry.register(entry, customer.id);
    if (!registered.ok)
      throw new ApiError(registered.error.status === 409 ? 409 : 422, registered.error.title);
    await clients.link(keys.did, customer.id); // from now on what the identity does counts as the customer's
    res.status(201).json({ did: keys.did, scopes: sendScopes });
  });

  router.delete('/identities/:did', (req, res) => {
    if (!registry.revoke(req.params.did)) throw new ApiError(404, 'There is no such identity.');
    res.status(204).end();
  });

  router.get('/mode', (_req, res) => {
    res.json({ mode: adapter.mode, metrics: adapter.getMetrics() });
  });

  router.put('/mode', (req, res) => {
    const { mode, reason } = req.body ?? {};
    try {
      adapter.setMode(mode, reason);
    } catch (error) {
      throw new ApiError(422, /** @type {import('@private.me/xlink').XlinkError} */ (error).hint);
    }
    res.json({ mode: adapter.mode });
  });

  /** Who is not safe to switch, and why. */
  router.get('/left', async (_req, res) => {
    const { clients } = await adapter.report(report);
    const left = clients.filter(
      ({ client, safeToSwitch }) => !safeToSwitch && !ignoreClients.includes(client),
    );
    res.json({ clients: left.map(({ client, reason }) => ({ client, reason })) });
  });

  router.post('/brownouts', (req, res) => {
    const from = new Date();
    const until = new Date(from.getTime() + Number(req.body?.ms));
    if (!(until > from)) throw new ApiError(422, 'ms is a time.');
    adapter.scheduleBrownout({ from, until });
    res.status(201).json({ from, until });
  });

  return router;
}

/**
 * Figures for Prometheus, which is given the token: the names of customers are in them.
 * @param {object} parts
 * @param {import('prom-client').Registry} parts.metrics
 * @param {string} parts.adminToken
 */
export function metricsRoute({ metrics, adminToken }) {
  const router = Router();
  router.get('/', requireToken(adminToken), async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.metrics());
  });
  return router;
}

/**
 * @param {import('./database.mjs').Database} database
 * @param {string} customerId
 * @returns {string[]}
 */
function scopesOfKeys(database, customerId) {
  const rows = database.all('SELECT scopes FROM api_keys WHERE customer_id = ?', customerId);
  return [...new Set(rows.flatMap(({ scopes }) => JSON.parse(String(scopes))))];
}

/**
 * @param {string} token
 * @returns {import('express').RequestHandler}
 */
const requireToken = (token) => (req, _res, next) => {
  const offered = req.get('authorization') ?? '';
  if (!timingSafeEqual(sha256(offered), sha256(`Bearer ${token}`)))
    throw new ApiError(401, 'This is for the operator.');
  next();
};

/** @param {string} text */
const sha256 = (text) => createHash('sha256').update(text).digest();
