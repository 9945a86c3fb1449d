import { createHash, verify } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createHttp2 } from 'node:http2';
import { describe, expect, test } from '@jest/globals';
import { koaMiddleware } from '@private.me/xlink/koa';
import express from 'express';
import Koa from 'koa';
import { afterTest } from '../support/after-test.js';
import { listen } from '../support/listen.js';
import { onTheWire } from '../support/requests.js';
import { recorder, start } from '../support/service.js';
import { openSocket } from '../support/wire.js';
import { World, type WorldWithCaller } from '../support/world.js';
import { expectSigned, publicKeyOf, type SignedSent, signedSent } from './support.js';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

const LONG = Buffer.alloc(200_000, 'xlink ');
const TE = { te: 'trailers', connection: 'TE' };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

/** Behind the body stand digest and signature of all that came. */
function expectTrailed({ api }: WorldWithCaller, sent: SignedSent, answer: Answer): void {
  const { status, headers, trailers, bytes } = answer;
  for (const name of ['signature', 'signature-input', 'content-digest', 'xlink-signed', 'content-length'])
    expect([name, headers[name]]).toEqual([name, undefined]);
  expect(String(headers['trailer']).toLowerCase()).toBe('content-digest, signature-input, signature');
  const digest = `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
  expect(trailers['content-digest']).toBe(digest);
  const params = /^xlink=(.*)$/.exec(String(trailers['signature-input']))![1]!;
  const list = params.slice(1, params.indexOf(')')).split(' ');
  const values: Record<string, string> = {
    '"@status"': String(status),
    '"@method";req': 'GET',
    '"@path";req': '/orders/7',
    '"@query";req': '?a=b',
    '"signature";req;key="xlink"': /xlink=(:[^:]*:)/.exec(String(sent.headers['signature']))![1]!,
    '"content-digest";tr': digest,
    ...(headers['content-type'] ? { '"content-type"': String(headers['content-type']) } : {}),
  };
  expect(list).toEqual(Object.keys(values));
  const base = [...list.map((id) => `${id}: ${values[id]}`), `"@signature-params": ${params}`].join('\n');
  const signature = Buffer.from(/^xlink=:(.*):$/.exec(String(trailers['signature']))![1]!, 'base64');
  expect(verify(null, Buffer.from(base), publicKeyOf(api), signature)).toBe(true);
}

const HANDLERS: [string, Handler][] = [
  ['comes in one piece', (_, res) => res.end(LONG)],
  ['says how long it is', (_, res) => res.writeHead(200, { 'content-length': LONG.length }).end(LONG)],
  [
    'comes in pieces',
    (_, res) => {
      res.setHeader('content-type', 'text/csv');
      for (let at = 0; at < LONG.length; at += 50_000) res.write(LONG.subarray(at, at + 50_000));
      res.end();
    },
  ],
  [
    'takes its time',
    (_, res) => {
      res.write('a');
      setTimeout(() => res.end('b'), 300);
    },
  ],
  [
    'is an event stream',
    (_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      setTimeout(() => res.end('data: 2\n\n'), 20);
    },
  ],
];

type Serve = (known: WorldWithCaller, handler: Handler) => Promise<(sent: SignedSent) => Promise<Answer>>;

/** Over HTTP/1.1, on one connection. */
const askHttp1 = (port: number) => (sent: SignedSent) =>
  new Promise<Answer>((resolve, reject) => {
    const { path = '/', headers, method = 'GET' } = sent;
    httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      answer.on('end', () => {
        const { statusCode, headers: found, trailers } = answer;
        resolve({ status: statusCode!, headers: found, trailers, bytes: Buffer.concat(chunks) });
      });
    })
      .on('error', reject)
      .end();
  });

const express1: Serve = async (known, handler) => {
  const parts = recorder(known.api, { signatures: true, clock: known.clock });
  const app = express().disable('x-powered-by');
  app.use(parts.adapter.middleware(), (req, res) => void handler(req, res));
  return askHttp1((await start(parts, app)).port);
};

const koa1: Serve = async (known, handler) => {
  const parts = recorder(known.api, { signatures: true, clock: known.clock });
  const app = new Koa();
  app.use(koaMiddleware(parts.adapter) as never);
  app.use((ctx) => {
    ctx.respond = false;
    ctx.status = 200;
    handler(ctx.req, ctx.res);
  });
  return askHttp1((await start(parts, app.callback())).port);
};

const http2: Serve = async (known, handler) => {
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
  return ({ path = '/', headers: { connection: _, ...headers } }) =>
    new Promise<Answer>((resolve, reject) => {
      const stream = client.request({ ':path': path, ...headers });
      let [found, trailers]: Answer['headers'][] = [{}, {}];
      const chunks: Buffer[] = [];
      stream.on('error', reject).on('data', (chunk) => chunks.push(chunk));
      stream.on('response', (head) => (found = head)).on('trailers', (fields) => (trailers = fields));
      stream.on('close', () => {
        const { 'content-length': __, ...rest } = found as Record<string, unknown>;
        resolve({
          status: Number(rest[':status']),
          headers: rest,
          trailers: trailers!,
          bytes: Buffer.concat(chunks),
        });
      });
    });
};

describe.each<[string, Serve]>([
  ['Express over HTTP/1.1', express1],
  ['Koa over HTTP/1.1', koa1],
  ['HTTP/2', http2],
])('%s: a caller that takes trailers', (name, serve) => {
  const asking = (known: WorldWithCaller, headers: Record<string, string> = TE) =>
    signedSent(known, { path: '/orders/7?a=b', headers });

  test.each(HANDLERS)('gets the signature of an answer behind it that %s', async (_, handler) => {
    const known = await World.withCaller();
    const ask = await serve(known, handler);
    for (let times = 0; times < 2; times++) {
      const sent = await asking(known);
      expectTrailed(known, sent, await ask(sent));
    }
  });

  test('gets that of a short one in front, as all do', async () => {
    const known = await World.withCaller();
    const ask = await serve(known, (_, res) => res.end('short'));
    const sent = await asking(known);
    const answer = await ask(sent);
    expectSigned(known.api, sent, { ...answer, text: 'short' } as never);
    expect(answer.trailers).toEqual({});
  });

  test.each(['gzip', 'trailersx', ''])('is who says so: TE: %s does not', async (te) => {
    const known = await World.withCaller();
    const ask = await serve(known, (_, res) => res.end(LONG));
    if (name === 'HTTP/2' && te !== '') return; // it has no other
    const { headers, trailers } = await ask(await asking(known, te === '' ? {} : { te }));
    expect([headers['xlink-signed'], trailers]).toEqual(['?0', {}]);
  });
});

describe('trailers', () => {
  test('end the answer once: the next one on the connection is read right', async () => {
    const known = await World.withCaller();
    const parts = recorder(known.api, { signatures: true, clock: known.clock });
    const app = express().disable('x-powered-by');
    app.use(parts.adapter.middleware(), (_, res) => {
      res.write(LONG);
      setTimeout(() => res.end(), 20); // ended with nothing
    });
    const { port } = await start(parts, app);
    const socket = await openSocket(port);
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    const ends = async (count: number) => {
      while (text.split('0\r\ncontent-digest').length <= count && text.split('\r\n0\r\n').length <= count)
        await new Promise((resolve) => socket.once('data', resolve));
    };
    for (const headers of [TE, {}]) {
      text = '';
      socket.write(onTheWire(await signedSent(known, { headers })));
      await ends(1);
      expect(text.startsWith('HTTP/1.1 200')).toBe(true);
      expect(text).toMatch(
        /\r\n0\r\n(Content-Digest: [^\r]*\r\nSignature-Input: [^\r]*\r\nSignature: [^\r]*\r\n)?\r\n$/,
      );
    }
  });

  test('are not sent over HTTP/1.0', async () => {
    const known = await World.withCaller();
    const parts = recorder(known.api, { signatures: true, clock: known.clock });
    const app = express().disable('x-powered-by');
    app.use(parts.adapter.middleware(), (_, res) => void res.end(LONG));
    const { port } = await start(parts, app);
    const socket = await openSocket(port);
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    const wire = onTheWire(await signedSent(known, { headers: TE })).toString('latin1');
    socket.write(wire.replace('HTTP/1.1', 'HTTP/1.0'));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text).toMatch(/\r\nXlink-Signed: \?0\r\n/);
    expect(text.endsWith('xlink ')).toBe(false); // LONG ends within a word
    expect(text.split('\r\n\r\n')[1]).toHaveLength(LONG.length);
  });
});
