import { expect, test } from '@jest/globals';
import { Agent, authOf, MemoryClientStore, xlinkFetch } from '@private.me/xlink';
import { honoMiddleware, honoWellKnown } from '@private.me/xlink/hono';
import { Hono } from 'hono';
import { handle } from 'hono/vercel';
import { ACME } from '../support/keys.js';
import { recorder } from '../support/service.js';

// As docs/frameworks.md has it: a handler below /api, and one below /.well-known, which get requests of the Fetch standard.

async function routes() {
  const parts = recorder(await Agent.quickstart({ name: 'api' }), {
    clients: new MemoryClientStore(),
    hosts: ['shop.example'],
  });
  const api = new Hono().basePath('/api');
  api.use(honoMiddleware(parts.adapter) as never);
  api.get('/orders', (c) => c.json({ who: authOf(c)?.mode }));
  api.post('/orders', async (c) => c.json({ got: await c.req.json() }, 201));
  const own = new Hono();
  own.use(honoWellKnown(parts.adapter) as never);
  const handlers = { '/api/': handle(api), '/.well-known/': handle(own) };
  const route: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const { pathname } = new URL(request.url);
    const found = Object.entries(handlers).find(([path]) => pathname.startsWith(path));
    return found ? found[1](request) : new Response(null, { status: 404 });
  };
  return { ...parts, route };
}

test('route handlers of Next.js: clients find the API, enroll and call', async () => {
  const { route, events } = await routes();
  const xlink = xlinkFetch({ baseUrl: 'https://shop.example', apiKey: ACME, fetch: route });
  const listed = await xlink('/api/orders');
  expect([listed.headers.get('xlink-sealed'), await listed.json()]).toEqual(['true', { who: 'xlink' }]);
  const posted = await xlink('/api/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"item":"tea"}',
  });
  expect([posted.status, await posted.json()]).toEqual([201, { got: { item: 'tea' } }]);
  const byKey = await route('https://shop.example/api/orders', { headers: { 'x-api-key': ACME } });
  expect(await byKey.json()).toEqual({ who: 'api-key' });
  expect((await route('https://shop.example/api/orders')).status).toBe(401);
  expect((await route('https://shop.example/.well-known/other')).status).toBe(404);
  expect(events.filter(({ type }) => type === 'warning' || type === 'fault')).toEqual([]);
});
