// The other side in Node: an API behind the adapter, and a control server that hands out the vectors, exchanges envelopes
// and takes reports.
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  Agent,
  DualModeAdapter,
  MemoryClientStore,
  MemoryTrustRegistry,
  requireScope,
} from '@private.me/xlink';
import express from 'express';
import { readVectors } from './vectors.mjs';

/** Serves on a free port of the loopback interface. */
async function listen(app) {
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

async function serveApi() {
  const agent = await Agent.quickstart({ name: 'orders', postQuantumSig: true });
  const adapter = new DualModeAdapter({
    agent,
    mode: 'hybrid',
    clients: new MemoryClientStore(),
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
  app.use(express.json({ limit: '1mb' }), express.raw({ type: () => true }));
  app.all('/{*path}', (req, res) => {
    const { mode, client } = req.auth;
    const body = Buffer.isBuffer(req.body) ? req.body.toString('hex') : req.body;
    res.status(req.method === 'POST' ? 201 : 200).json({ mode, client, body });
  });
  return listen(app);
}

/** An agent that says what it received, and sends what it is told to. */
async function createPeer() {
  const registry = new MemoryTrustRegistry();
  const agent = await Agent.quickstart({ postQuantumSig: true, registry });
  const meet = async (keyRecord) => {
    if (!(await registry.lookup(keyRecord.did)))
      await registry.register({ did: keyRecord.did, keys: keyRecord });
  };
  return {
    keyRecord: () => agent.keyRecord(),
    async receive({ keyRecord, envelope, signedOnly }) {
      await meet(keyRecord);
      const received = await agent.receive(JSON.stringify(envelope), { allowCleartext: signedOnly });
      if (!received.ok) throw received.error;
      const { sender, payload, version, encrypted } = received.value;
      return { sender, payload, version, encrypted };
    },
    async send({ keyRecord, ...options }) {
      await meet(keyRecord);
      return agent.createEnvelope({ ...options, to: keyRecord.did });
    },
  };
}

/** Starts both servers. `nextReport()` resolves to what the next run posts; `script` is the bundle for browsers. */
export async function serveSuite(script) {
  const api = await serveApi();
  const peer = await createPeer();
  const world = JSON.stringify({ vectors: readVectors(), serverUrl: api.url });
  let take = () => {};
  const app = express();
  app.use(express.json({ type: () => true, limit: '4mb' }));
  const policy = `default-src 'none'; script-src 'self'; connect-src 'self' ${api.url}`;
  const page = '<!doctype html><script type="module" src="page.js"></script>';
  app.get('/', (_req, res) => res.set('Content-Security-Policy', policy).type('html').send(page));
  app.get('/page.js', (_req, res) => res.type('js').send(script));
  app.get('/world', (_req, res) => res.type('json').send(world));
  app.get('/peer', async (_req, res) => res.json({ keyRecord: await peer.keyRecord() }));
  app.post('/peer/receive', async (req, res) => res.json(await peer.receive(req.body)));
  app.post('/peer/send', async (req, res) => res.json(await peer.send(req.body)));
  app.post('/report', (req, res) => {
    res.json({});
    take(req.body);
  });
  const control = await listen(app);
  return {
    url: control.url,
    nextReport: () => new Promise((resolve) => (take = resolve)),
    close: () => Promise.all([api.close(), control.close()]),
  };
}
