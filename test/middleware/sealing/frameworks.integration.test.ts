import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Agent, ANSWER_TYPE, DualModeAdapter, MemoryClientStore, xlinkFetch } from '@private.me/xlink';
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
    expect(wire.headers.get('content-type')).toBe(ANSWER_TYPE);
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

  test('may be compressed behind it, as both ends can: the caller decodes', async () => {
    const asked: (string | undefined)[] = [];
    const text = 'a,'.repeat(100_000);
    const { call, raw } = await serve(express, (app) => {
      app.get('/gzip', (req, res) => {
        asked.push(req.headers['accept-encoding'] as string);
        res.set({ 'Content-Encoding': 'gzip', 'Content-Type': 'text/csv' }).end(gzipSync(text));
      });
    });
    const response = await call('/gzip');
    expect(await response.text()).toBe(text);
    expect([response.headers.get('content-type'), response.headers.get('content-encoding')]).toEqual([
      'text/csv; charset=utf-8',
      'gzip', // as the platform's fetch has it
    ]);
    expect((await raw.at(-1)!.arrayBuffer()).byteLength).toBeLessThan(10_000);
    expect(asked).toEqual(['gzip, deflate']); // and not br, which not every platform decodes
  });

  test.each([
    ['gzip', gzipSync('text'), 'text'],
    ['x-gzip', gzipSync('text'), 'text'],
    ['deflate', deflateSync('text'), 'text'],
    ['GZIP', gzipSync('text'), 'text'],
    ['identity', Buffer.from('text'), 'text'],
    ['gzip', Buffer.alloc(0), ''],
  ])('whose handler encoded it itself is decoded: %s', async (coding, body, text) => {
    const { call } = await serve(express, (app) => {
      app.get('/encoded', (_req, res) => void res.set('Content-Encoding', coding).end(body));
    });
    expect(await (await call('/encoded')).text()).toBe(text);
  });

  test('in a coding that the caller does not have is refused, and so is one that is not what it says', async () => {
    const { call } = await serve(express, (app) => {
      app.get('/zstd', (_req, res) => void res.set('Content-Encoding', 'zstd2').end('x'));
      app.get(
        '/two',
        (_req, res) => void res.set('Content-Encoding', 'gzip, br').end(brotliCompressSync('x')),
      );
      app.get('/not-gzip', (_req, res) => void res.set('Content-Encoding', 'gzip').end('x'));
    });
    for (const path of ['/zstd', '/two'])
      await expect(call(path)).rejects.toMatchObject({ id: 'ANSWER_INVALID', field: 'content-encoding' });
    const notGzip = await call('/not-gzip');
    await expect(notGzip.text()).rejects.toThrow();
  });

  test('is asked of a handler as a caller with a key would ask', async () => {
    const seen: unknown[] = [];
    const { call } = await serve(express, (app) => {
      app.get('/a', (req, res) => {
        seen.push([req.headers.accept, req.accepts(['json', 'html']), req.accepts('xml')]);
        res.format({ json: () => res.json({ a: 1 }), html: () => res.send('<a>') });
      });
    });
    expect(await (await call('/a')).json()).toEqual({ a: 1 });
    expect(await (await call('/a', { headers: { Accept: 'text/html' } })).text()).toBe('<a>');
    expect(seen).toEqual([
      ['*/*', 'json', 'xml'],
      ['text/html', 'html', false],
    ]);
  });

  test('whose handler fails behind its end is the answer that was given', async () => {
    const { call } = await serve(express, (app) => {
      app.get('/late', (_req, res, next) => {
        res.json({ ok: true });
        next(new Error('the audit log is down'));
      });
    });
    expect(await (await call('/late')).json()).toEqual({ ok: true });
  });

  test('[C1] shows a handler the response that Node made', async () => {
    const seen: unknown[] = [];
    const { call } = await serve(express, (app) => {
      app.get('/seen', (_req, res) => {
        const state = () => seen.push([res.headersSent, res.writableEnded, res.writableFinished]);
        res.on('finish', () => seen.push('finish'));
        res.on('close', () => seen.push('close'));
        state();
        res.write('a');
        state();
        res.end('b', () => seen.push('called back'));
        state();
        try {
          res.setHeader('X-Late', '1');
        } catch (error) {
          seen.push((error as { code: string }).code);
        }
      });
    });
    expect(await (await call('/seen')).text()).toBe('ab');
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen.slice(0, 4)).toEqual([
      [false, false, false],
      [true, false, false],
      [true, true, false],
      'ERR_HTTP_HEADERS_SENT',
    ]);
    expect(seen.slice(4).sort()).toEqual(['called back', 'close', 'finish']);
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
