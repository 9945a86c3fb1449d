// The two sides of the demo: one API that knows only keys, and the same behind an adapter of xLink.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, DualModeAdapter, MemoryClientStore } from '@private.me/xlink';
import express from 'express';

export const KEY = 'demo-key-of-the-bridge';

/** Starts both on free ports of the loopback. `state.broken`: the modern side answers 503. */
export async function startApis() {
  const state = { broken: false, rounds: true };
  const order = (id) => ({ id, item: 'tea', total: 12.5, servedAt: new Date().toISOString() });
  const legacy = await serve((request, response) => {
    const isGood = request.headers['x-api-key'] === KEY;
    response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isGood ? order(request.url.split('/').at(-1)) : { error: 'no key' }));
  });
  const adapter = new DualModeAdapter({
    agent: await Agent.quickstart({ name: 'orders' }),
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    legacyKeyValidator: (key) => (key === KEY ? { clientId: 'bridge', scopes: ['orders:read'] } : null),
  });
  const app = express().use(adapter.middleware());
  app.get('/orders/:id', (request, response) => {
    if (state.broken) return response.status(503).json({ error: 'out of order' });
    // What a mirror finds: the new code rounds.
    const body = order(request.params.id);
    return response.json(state.rounds ? { ...body, total: Math.round(body.total) } : body);
  });
  const modern = await serve(app);
  const close = () => {
    for (const { server } of [legacy, modern]) {
      server.closeAllConnections();
      server.close();
    }
  };
  return { state, legacy: legacy.url, modern: modern.url, close };
}

async function serve(listener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}
