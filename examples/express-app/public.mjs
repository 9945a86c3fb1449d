import { Router } from 'express';

/**
 * What anyone may read: whether the API is up, and its figures. Whom to seal for is said by the adapter.
 * @param {object} parts
 * @param {import('prom-client').Registry} parts.metrics
 */
export function publicRoutes({ metrics }) {
  const router = Router();

  router.get('/health', (_req, res) => {
    res.json({ status: 'ok' });
  });

  router.get('/metrics', async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.metrics());
  });

  return router;
}
