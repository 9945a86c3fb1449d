import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, MemoryClientStore, xlinkFetch } from '@private.me/xlink';
import express5, { type Express, type RequestHandler } from 'express';
import express4 from 'express4';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** An API, and a caller of it that asks for sealed answers. `raw` holds each answer as it came over the network. */
async function serve(
  express: typeof express5,
  routes: (app: Express) => void,
  behind: RequestHandler[] = [],
) {
  const faults: unknown[] = [];
  const adapter = new DualModeAdapter({
    agent: await Agent.quickstart(),
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    legacyKeyValidator: () => ({ clientId: 'acme' }),
    observers: [(event) => void (event.type === 'fault' && faults.push(event.error.cause))],
  });
  const app = express();
  app.use(adapter.middleware(), ...behind);
  routes(app);
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  open.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const { port } = server.address() as { port: number };
  const raw: Response[] = [];
  const call = xlinkFetch({
    apiKey: 'k',
    baseUrl: `http://127.0.0.1:${port}`,
    unsafeAllowHttp: true,
    unsafeAllowPrivateAddresses: true,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      raw.push(response.clone());
      return response;
    },
  });
  return { call, raw, faults };
}

const sealedBy = (response: Response) => response.headers.get('xlink-sealed');

describe.each([
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
])('%s: a sealed answer', (_, express) => {
  test('holds status, type and body, and nothing of them shows outside', async () => {
    const { call, raw } = await serve(express, (app) => {
      app.get('/secret', (_req, res) => void res.status(201).type('text/plain').send('canary'));
    });
    const response = await call('/secret');
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      201,
      'text/plain; charset=utf-8',
      'canary',
    ]);
    expect(sealedBy(response)).toBe('true');
    const wire = raw.at(-1)!;
    expect(wire.headers.get('content-type')).toBe('application/xlink-envelope');
    expect(wire.headers.get('etag')).toBeNull();
    expect(await wire.text()).not.toContain('canary');
  });

  test('is put together from what a handler writes bit by bit', async () => {
    const { call } = await serve(express, (app) => {
      app.get('/bits', (_req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/csv' });
        res.write('a,');
        res.write(Buffer.from('b,'));
        res.end('Yw==', 'base64');
      });
    });
    const response = await call('/bits');
    expect([response.headers.get('content-type'), await response.text()]).toEqual(['text/csv', 'a,b,c']);
  });

  test('may be empty, or the answer of an error handler', async () => {
    const { call } = await serve(express, (app) => {
      app.delete('/orders/1', (_req, res) => void res.sendStatus(204));
      app.get('/broken', () => {
        throw Object.assign(new Error('teapot'), { status: 418, expose: true });
      });
    });
    const deleted = await call('/orders/1', { method: 'DELETE' });
    expect([deleted.status, await deleted.text(), sealedBy(deleted)]).toEqual([204, '', 'true']);
    const broken = await call('/broken');
    expect([broken.status, sealedBy(broken)]).toEqual([418, 'true']);
  });

  test('is not compressed, since nothing behind is told that it may be', async () => {
    const asked: (string | undefined)[] = [];
    const compress: RequestHandler = (req, _res, next) => {
      asked.push(req.headers['accept-encoding']);
      next();
    };
    const routes = (app: Express) => void app.get('/a', (_req, res) => void res.json({ a: 1 }));
    const { call } = await serve(express, routes, [compress]);
    expect(await (await call('/a')).json()).toEqual({ a: 1 });
    expect(asked).toEqual([undefined]);
  });

  test('cannot be made of a body that a handler encoded: the caller is told, not misled', async () => {
    const { call, faults } = await serve(express, (app) => {
      app.get('/gzip', (_req, res) => void res.set('Content-Encoding', 'gzip').end(gzipSync('{}')));
    });
    const refused = call('/gzip');
    await expect(refused).rejects.toMatchObject({
      id: 'ANSWER_INVALID:NOT_SEALED',
      cause: { id: 'ANSWER_NOT_SEALED' },
    });
    expect(faults).toHaveLength(1);
  });

  test('to HEAD there is none', async () => {
    const { call } = await serve(
      express,
      (app) => void app.get('/a', (_req, res) => void res.json({ a: 1 })),
    );
    const response = await call('/a', { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type'), sealedBy(response)]).toEqual([
      200,
      'application/json; charset=utf-8',
      'false',
    ]);
  });
});
