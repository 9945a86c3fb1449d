import { Router } from 'express';

/**
 * What anyone may read: whether the API is up. Whom to seal for is said by the adapter.
 */
export function publicRoutes() {
  const router = Router();

  router.get('/health', (_req, res) => {
    res.json({ status: 'ok' });
  });

  return router;
}
