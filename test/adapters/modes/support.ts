import type { Mounted } from '../../support/express.js';

/** An API with handlers of their own for payments, for orders, and for whatever is left. */
export const routed = ({ app, adapter, handler }: Mounted) => {
  app.use(adapter.middleware());
  app.use('/payments', handler);
  app.all('/orders', handler);
  app.get('/public/:file', handler);
  app.get('/:name', (req, res, next) =>
    req.params.name.toLowerCase() === 'payments' ? handler(req, res, next) : next(),
  );
};
