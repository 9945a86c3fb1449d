// An API behind the adapter, for the client of the suite.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, DualModeAdapter, MemoryClientStore, requireScope } from '@private.me/xlink';
import express from 'express';

/** Serves on a free port of the loopback interface. */
export async function listen(app) {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** What a browser of another origin has to be allowed, in front of the adapter. */
function allowOtherOrigins(req, res, next) {
  res.set({
    'Access-Control-Allow-Origin': req.headers.origin ?? '*',
    'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE',
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-API-Key, Xlink-Envelope',
    Vary: 'Origin',
  });
  if (req.method === 'OPTIONS') res.status(204).end();
  else next();
}

/** An API with keys and envelopes, for `clientCases`. */
export async function serveApi() {
  const agent = await Agent.quickstart({ name: 'orders', postQuantumSig: true });
  const adapter = new DualModeAdapter({
    agent,
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    sessions: true,
    legacyKeyValidator: (key) =>
      key.startsWith('runtimes-') ? { customerId: key, scopes: ['orders'] } : null,
    skip: ({ target }) => target === '/unsealed',
  });
  const app = express();
  app.use(allowOtherOrigins, adapter.middleware());
  app.get('/unsealed', (_req, res) => res.json({}));
  app.get('/moved', (_req, res) => res.redirect('/orders'));
  app.get('/never', () => {});
  app.get('/missing', (_req, res) => res.status(404).json({ missing: true }));
  app.delete('/empty', (_req, res) => res.status(204).end());
  app.get('/admin', requireScope('admin'), (_req, res) => res.json({}));
  app.post('/stream', async (req, res) => {
    let size = 0;
    for await (const chunk of req) size += chunk.length;
    res.json({ size, form: req.auth.form });
  });
  app.use(express.json({ limit: '1mb' }), express.raw({ type: () => true }));
  app.all('/{*path}', (req, res) => {
    const { mode, client } = req.auth;
    const body = Buffer.isBuffer(req.body) ? req.body.toString('hex') : req.body;
    res.status(req.method === 'POST' ? 201 : 200).json({ mode, client, body });
  });
  return listen(app);
}
