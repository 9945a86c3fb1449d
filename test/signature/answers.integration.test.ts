import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer as createHttp2 } from 'node:http2';
import { serve as serveHono } from '@hono/node-server';
import { describe, expect, test } from '@jest/globals';
import { fastifyXlink } from '@private.me/xlink/fastify';
import { honoMiddleware } from '@private.me/xlink/hono';
// @ts-expect-error has no types
import compression from 'compression';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { afterTest } from '../support/after-test.js';
import { json, ORDER, type Sent } from '../support/http.js';
import { listen } from '../support/listen.js';
import { onTheWire } from '../support/requests.js';
import type { readAnswer } from '../support/responses.js';
import { recorder, start } from '../support/service.js';
import { openSocket, send } from '../support/wire.js';
import { World } from '../support/world.js';
import { expectSigned, type SignedSent, signedSent } from './support.js';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

const LONG = 'x'.repeat(65_537);
const FULL = 'x'.repeat(65_536);
const writing =
  (first: string, second: string, ms: number): Handler =>
  (_, res) => {
    res.write(first);
    setTimeout(() => res.end(second), ms);
  };

/** What handlers do, and whether the answer can be signed. */
const HANDLERS: Record<string, [Handler, isSigned: boolean]> = {
  'is short': [(_, res) => res.end('hello'), true],
  'has no body': [(_, res) => res.writeHead(204).end(), true],
  'is not modified': [(_, res) => res.writeHead(304, { etag: '"a"' }).end(), true],
  'is empty': [(_, res) => res.end(), true],
  redirects: [(_, res) => res.writeHead(303, { location: '/orders/8' }).end(), true],
  'is 64 KiB': [(_, res) => res.end(FULL), true],
  'is longer': [(_, res) => res.end(LONG), false],
  'is longer, of an announced length': [
    (_, res) => res.writeHead(200, { 'content-length': LONG.length }).end(LONG),
    false,
  ],
  'comes in pieces': [writing('a', 'b', 5), true],
  'comes in pieces, of an announced length': [
    (_, res) => writing('a', 'b', 400)(_, res.writeHead(200, { 'content-length': 2 })),
    true,
  ],
  'waits for its pieces to be written': [
    (_, res) => void res.write('a', () => res.write('b', () => res.end('c'))),
    true,
  ],
  'waits for room': [
    (_, res) => {
      if (res.write(FULL)) res.end();
      else res.once('drain', () => res.end());
    },
    true,
  ],
  'turns out to be longer': [writing(FULL, LONG, 5), false],
  'takes its time': [writing('a', 'b', 400), false],
};

const bodyOf: Record<string, string> = {
  'is short': 'hello',
  'is 64 KiB': FULL,
  'is longer': LONG,
  'is longer, of an announced length': LONG,
  'comes in pieces': 'ab',
  'comes in pieces, of an announced length': 'ab',
  'waits for its pieces to be written': 'abc',
  'waits for room': FULL,
  'turns out to be longer': FULL + LONG,
  'takes its time': 'ab',
};

async function serving(handler: Handler, ...before: express.RequestHandler[]) {
  const known = await World.withCaller();
  const parts = recorder(known.api, { signatures: true, clock: known.clock });
  const app = express().disable('x-powered-by');
  app.use(...before, parts.adapter.middleware(), (req, res) => void handler(req, res));
  return { known, service: await start(parts, app) };
}

describe('an answer to a signed request', () => {
  test.each(Object.entries(HANDLERS))('that %s', async (name, [handler, isSigned]) => {
    const { known, service } = await serving(handler);
    const sent = await signedSent(known, { path: '/orders/7?a=b' });
    const answer = await service.send(sent);
    expect(answer.text).toBe(bodyOf[name] ?? '');
    if (isSigned) return expectSigned(known.api, sent, answer);
    expect(answer.headers).toMatchObject({ 'xlink-signed': '?0' });
    expect(answer.headers['signature']).toBeUndefined();
    if (name.includes('announced')) expect(answer.headers['content-length']).toBe(String(LONG.length));
  });

  test('to HEAD says that it is not signed', async () => {
    const { known, service } = await serving((_, res) => res.end('hello'));
    const { headers } = await service.send(await signedSent(known, { method: 'HEAD' }));
    expect(headers['xlink-signed']).toBe('?0');
  });

  test('that is an event stream comes as it is written', async () => {
    let more = () => {};
    const { known, service } = await serving((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      more = () => res.end('data: 2\n\n');
    });
    const socket = await openSocket(service.port);
    socket.write(onTheWire(await signedSent(known)));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
      if (text.includes('data: 1')) more();
    });
    await new Promise<void>((resolve) => socket.on('data', () => text.includes('data: 2') && resolve()));
    expect(text.toLowerCase()).toContain('xlink-signed: ?0');
  });

  test.each([
    ['gzip', 0],
    [undefined, 10_000],
  ])('is signed as it is on the wire: %s', async (coding, threshold) => {
    const { known, service } = await serving((_, res) => {
      res.setHeader('content-type', 'text/plain');
      res.end('hello '.repeat(100));
    }, compression({ threshold }));
    const sent = await signedSent(known, { headers: { 'accept-encoding': 'gzip' } });
    const answer = await service.send(sent);
    expect(answer.headers['content-encoding']).toBe(coding);
    expectSigned(known.api, sent, answer);
  });

  test('leaves other headers and trailers of the connection alone, one answer behind the other', async () => {
    const { known, service } = await serving((req, res) => {
      res.setHeader('set-cookie', ['a=1', 'b=2']);
      res.end(req.url);
    });
    for (const path of ['/a', '/b', '/c']) {
      const sent = await signedSent(known, { path });
      const answer = await service.send(sent);
      expect([answer.text, answer.headers['set-cookie']]).toEqual([path, ['a=1', 'b=2']]);
      expectSigned(known.api, sent, answer);
    }
  });

  test('is not signed for callers with an envelope or a key', async () => {
    const { service } = await serving((_, res) => res.end('hello'));
    const { headers } = await service.send({ headers: { 'x-api-key': 'key-of-acme-1' } });
    expect([headers['signature'], headers['xlink-signed']]).toEqual([undefined, undefined]);
  });
});

describe('elsewhere', () => {
  const asked: [string, Sent][] = [
    ['GET', {}],
    ['POST', json(ORDER)],
  ];

  test.each(asked)('Fastify signs its answer to %s', async (_, sent) => {
    const known = await World.withCaller();
    const { adapter } = recorder(known.api, { signatures: true, clock: known.clock });
    const app = Fastify();
    await app.register(fastifyXlink(adapter) as never);
    app.all('/orders', (request) => ({ got: request.body ?? null }));
    afterTest(() => app.close());
    await app.listen({ port: 0, host: '127.0.0.1' });
    const signed = await signedSent(known, sent);
    const answer = await send((app.server.address() as { port: number }).port, signed);
    expect(answer.status).toBe(200);
    expectSigned(known.api, signed, answer);
  });

  test.each<[string, Sent, string]>([
    ['GET', {}, '{"got":""}'],
    ['POST', json(ORDER), JSON.stringify({ got: JSON.stringify(ORDER) })],
    ['a stream', { path: '/stream' }, 'ab'],
    ['a long answer', { path: '/long' }, LONG],
    ['nothing', { path: '/none' }, ''],
  ])('Hono signs its answer to %s', async (_, sent, text) => {
    const known = await World.withCaller();
    const { adapter } = recorder(known.api, { signatures: true, clock: known.clock });
    const app = new Hono();
    app.use(honoMiddleware(adapter) as never);
    app.all('/orders', async (c) => c.json({ got: await c.req.text() }));
    app.get('/long', (c) => c.text(LONG));
    app.get('/none', (c) => c.body(null, 204));
    app.get('/stream', (c) => {
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(Buffer.from('a'));
          await new Promise((resolve) => setTimeout(resolve, 5));
          controller.enqueue(Buffer.from('b'));
          controller.close();
        },
      });
      return c.body(body);
    });
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
    afterTest(() => void server.close());
    await new Promise<void>((resolve) => (server.listening ? resolve() : server.once('listening', resolve)));
    const signed = await signedSent(known, sent);
    const answer = await send((server.address() as { port: number }).port, signed);
    expect(answer.text).toBe(text);
    if (text === LONG) expect(answer.headers['xlink-signed']).toBe('?0');
    else if (sent.path === '/stream' || text === '')
      expectSigned(known.api, signed, answer, []); // its server adds a type
    else expectSigned(known.api, signed, answer);
  });

  test.each(Object.entries(HANDLERS))('over HTTP/2, an answer that %s', async (name, [handler, isSigned]) => {
    const known = await World.withCaller();
    const { adapter } = recorder(known.api, { signatures: true, clock: known.clock });
    const middleware = adapter.middleware();
    const server = createHttp2((req, res) =>
      middleware(req as never, res as never, () => void handler(req as never, res as never)),
    );
    const { port } = await listen(server as never);
    const client = connect(`http://127.0.0.1:${port}`);
    afterTest(() => {
      client.destroy();
      server.close();
    });
    const sent: SignedSent = await signedSent(known, { path: '/orders/7?a=b' });
    const stream = client.request({ ':path': '/orders/7?a=b', ...sent.headers });
    const answer = await new Promise<Awaited<ReturnType<typeof readAnswer>>>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('response', (headers) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: headers[':status']!, headers: headers as never, bytes, text: bytes.toString() });
        });
      });
    });
    expect(answer.text).toBe(bodyOf[name] ?? '');
    if (isSigned) expectSigned(known.api, sent, answer);
    else expect(answer.headers['xlink-signed']).toBe('?0');
  });
});
