import { Router } from 'express';

/**
 * What anyone may read: whether the API is up, its figures, and whom to seal for.
 * @param {object} parts
 * @param {import('@private.me/xlink').Agent} parts.agent
 * @param {import('@private.me/xlink').DualModeAdapter} parts.adapter
 * @param {import('prom-client').Registry} parts.metrics
 */
export function publicRoutes({ agent, adapter, metrics }) {
  const router = Router();
  const keys = agent.keyRecord();

  router.get('/health', (_req, res) => {
    res.json({ status: 'ok' });
  });

  router.get('/metrics', async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.metrics());
  });

  router.get('/.well-known/xlink.json', async (_req, res) => {
    res.json({ did: agent.did, keys: await keys, versions: [1, 2, 3], mode: adapter.mode });
  });

  return router;
}
