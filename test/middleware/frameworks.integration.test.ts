import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { serve as serveHono } from '@hono/node-server';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Agent, authOf, DualModeAdapter, MemoryClientStore, xlinkFetch } from '@private.me/xlink';
import { requireScope as fastifyScope, fastifyXlink } from '@private.me/xlink/fastify';
import { honoMiddleware, requireScope as honoScope } from '@private.me/xlink/hono';
import cookieSession from 'cookie-session';
import express from 'express';
import Fastify from 'fastify';
import Fastify4 from 'fastify4';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import serverless from 'serverless-http';

const KEY = 'key-of-acme';
const PAIR = { apiKey: KEY, unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true } as const;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const adapterOf = async () =>
  new DualModeAdapter({
    agent: await Agent.quickstart({ name: 'orders' }),
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    legacyKeyValidator: (key) => (key === KEY ? { clientId: 'acme', scopes: ['orders'] } : null),
  });

async function listening(server: Server): Promise<string> {
  if (!server.listening) await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}
const listen = (listener: RequestListener) => listening(createServer(listener).listen(0, '127.0.0.1'));

async function honoService() {
  const app = new Hono<{ Variables: { auth: { mode: string } } }>();
  app.use(honoMiddleware(await adapterOf()) as never);
  app.get('/who', (c) =>
    c.json({ auth: c.get('auth').mode, same: authOf(c)?.mode, accept: c.req.header('accept') }),
  );
  app.post('/echo', async (c) =>
    c.json({ got: await c.req.json(), type: c.req.header('content-type') }, 201),
  );
  app.get('/none', (c) => c.body(null, 204));
  app.get('/mine', honoScope('orders') as never, (c) => c.text('mine'));
  app.get('/theirs', honoScope('admin') as never, (c) => c.text('theirs'));
  app.get('/events', (c) =>
    streamSSE(c, async (stream) => {
      for (let n = 0; n < 3; n++) await stream.writeSSE({ data: String(n) });
    }),
  );
  return listening(serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
}

async function fastifyApp(make: typeof Fastify) {
  const app = make();
  await app.register(fastifyXlink(await adapterOf()) as never);
  app.get('/who', (request) => {
    const { auth } = request as unknown as { auth: { mode: string } };
    return { auth: auth.mode, same: authOf(request)?.mode, accept: request.headers.accept };
  });
  app.post('/echo', (request, reply) =>
    reply.code(201).send({ got: request.body, type: request.headers['content-type'] }),
  );
  app.get('/none', (_, reply) => reply.code(204).send());
  app.get('/mine', { preHandler: fastifyScope('orders') as never }, (_, reply) =>
    reply.type('text/plain').send('mine'),
  );
  app.get('/theirs', { preHandler: fastifyScope('admin') as never }, () => 'theirs');
  app.get('/events', (_, reply) => {
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let n = 0; n < 3; n++) reply.raw.write(`data: ${n}\n\n`);
    reply.raw.end();
    reply.hijack();
  });
  closers.push(() => app.close());
  return app;
}
const fastifyService = (make: typeof Fastify) => async () =>
  (await fastifyApp(make)).listen({ port: 0, host: '127.0.0.1' });

const SERVICES: [string, () => Promise<string>][] = [
  ['Hono on Node', honoService],
  ['Fastify 5', fastifyService(Fastify)],
  ['Fastify 4', fastifyService(Fastify4 as unknown as typeof Fastify)],
];

describe.each(SERVICES)('behind %s', (_, start) => {
  test('a handler sees the same by key and by xLink, and callers get the same', async () => {
    const baseUrl = await start();
    const xlink = xlinkFetch({ ...PAIR, baseUrl });
    const byKey: typeof fetch = (path, init) =>
      fetch(`${baseUrl}${path}`, { ...init, headers: { ...init?.headers, 'X-API-Key': KEY } });
    const posted = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"item":"tea"}',
    };
    const seen = async (call: typeof fetch) => {
      const results: Record<string, unknown> = {};
      for (const [path, init] of [
        ['/who'],
        ['/echo', posted],
        ['/none'],
        ['/mine'],
        ['/events'],
        ['/missing'],
      ] as const) {
        const response = await call(path, init);
        const text = (await response.text()).replace(/"(auth|same)":"(api-key|xlink)"/g, '"$1":"…"');
        results[path] = [response.status, text];
      }
      return results;
    };
    const [key, sealed] = [await seen(byKey), await seen(xlink)];
    expect(sealed).toEqual(key);
    expect(key['/echo']).toEqual([201, JSON.stringify({ got: { item: 'tea' }, type: 'application/json' })]);
    expect((await xlink('/who')).headers.get('xlink-sealed')).toBe('true');
    expect(await (await xlink('/who')).json()).toMatchObject({ auth: 'xlink', same: 'xlink' });
    for (const call of [byKey, xlink]) expect((await call('/theirs')).status).toBe(403);
    expect((await fetch(`${baseUrl}/who`)).status).toBe(401);
  });

  test('the routes of the library answer sealed, too', async () => {
    const xlink = xlinkFetch({ ...PAIR, baseUrl: await start() });
    const off = await xlink('/.well-known/xlink/key', { method: 'DELETE' });
    expect([off.status, off.headers.get('xlink-sealed')]).toEqual([200, 'true']);
    expect(await off.json()).toMatchObject({ client: 'acme', key: 'off' });
  });
});

describe('requests that are injected', () => {
  const intoFetch =
    (inject: (request: Request, body: Buffer) => Promise<Response>): typeof fetch =>
    async (input, init) => {
      const request = new Request(input, init);
      return inject(request, Buffer.from(await request.arrayBuffer()));
    };
  const call = (send: typeof fetch) => xlinkFetch({ ...PAIR, baseUrl: 'http://127.0.0.1:9', fetch: send });
  const HOST = { host: '127.0.0.1:9' };

  // Not into Fastify 5: its inject() requires a module of ESM, which Jest cannot load before Node 24.9.
  test.each([['Fastify 4', Fastify4 as unknown as typeof Fastify]])(
    'into %s are opened and answered sealed',
    async (_, make) => {
      const app = await fastifyApp(make);
      const xlink = call(
        intoFetch(async ({ method, url, headers }, payload) => {
          const { pathname } = new URL(url);
          const all = { ...HOST, ...Object.fromEntries(headers) };
          const {
            statusCode,
            rawPayload,
            headers: answered,
          } = await app.inject({ method: method as 'GET', url: pathname, headers: all, payload });
          return new Response(new Uint8Array(rawPayload), {
            status: statusCode,
            headers: answered as Record<string, string>,
          });
        }),
      );
      const answer = await xlink('/echo', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '[1.0]',
      });
      expect([answer.status, answer.headers.get('xlink-sealed'), await answer.json()]).toEqual([
        201,
        'true',
        { got: [1], type: 'application/json' },
      ]);
    },
  );

  test('by serverless-http into Express are opened and answered sealed', async () => {
    const app = express().use((await adapterOf()).middleware(), express.json());
    app.post('/echo', (req, res) => void res.status(201).json({ got: req.body }));
    const handler = serverless(app, { binary: () => true } as never) as unknown as (
      event: object,
      context: object,
    ) => Promise<{
      statusCode: number;
      body: string;
      isBase64Encoded: boolean;
      headers: Record<string, string>;
    }>;
    const xlink = call(
      intoFetch(async ({ method, url, headers }, payload) => {
        const { pathname } = new URL(url);
        const event = {
          version: '2.0',
          requestContext: { http: { method, path: pathname } },
          rawPath: pathname,
          rawQueryString: '',
          headers: { ...HOST, ...Object.fromEntries(headers) },
          body: payload.toString('base64'),
          isBase64Encoded: true,
        };
        const { statusCode, body, isBase64Encoded, headers: answered } = await handler(event, {});
        return new Response(new Uint8Array(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')), {
          status: statusCode,
          headers: answered,
        });
      }),
    );
    const answer = await xlink('/echo', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    });
    expect([answer.status, await answer.json()]).toEqual([201, { got: { a: 1 } }]);
  });
});

test.each(['in front of', 'behind'])('[C2] hooks of middleware %s the adapter run', async (place) => {
  const hook = cookieSession({ keys: ['k'] });
  const adapter = await adapterOf();
  const order = place === 'behind' ? [adapter.middleware(), hook] : [hook, adapter.middleware()];
  const app = express().use(...(order as express.RequestHandler[]));
  app.get('/', (req, res) => {
    Object.assign((req as unknown as { session: object }).session, { cart: 7 });
    res.json({ ok: true });
  });
  const baseUrl = await listen(app);
  const cookies = (response: Response) => response.headers.getSetCookie().map((one) => one.split('=')[0]);
  const byKey = cookies(await fetch(baseUrl, { headers: { 'X-API-Key': KEY } }));
  expect(byKey).toEqual(['session', 'session.sig']);
  expect(cookies(await xlinkFetch({ ...PAIR, baseUrl })('/'))).toEqual(byKey);
});
