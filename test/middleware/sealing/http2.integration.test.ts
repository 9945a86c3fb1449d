import { once } from 'node:events';
import { connect, createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { ANSWER_TYPE, type NodeRequest, type NodeResponse } from '@private.me/xlink';
import { afterTest } from '../../support/after-test.js';
import { openedAnswer } from '../../support/answers.js';
import { KEY } from '../../support/keys.js';
import { signedRequest } from '../../support/requests.js';
import { recorder } from '../../support/service.js';
import { World } from '../../support/world.js';

type Handler = (req: Http2ServerRequest, res: Http2ServerResponse) => unknown;

/** A handler behind the adapter on Node's HTTP/2 server, and a session with it. */
async function serve(handler: Handler) {
  const known = await World.withCaller();
  const { adapter, events } = recorder(known.api);
  const authenticate = adapter.middleware();
  const server = createServer((req, res) =>
    authenticate(req as unknown as NodeRequest, res as unknown as NodeResponse, () => handler(req, res)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  afterTest(async () => {
    session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const send = async (headers: object) => {
    const stream = session.request({ ':path': '/orders', ...headers });
    const [answer] = await once(stream, 'response');
    return { answer, stream };
  };
  return {
    events,
    send,
    byKey: () => send({ 'x-api-key': KEY }),
    /** By envelope, and what opens the answer. */
    async ask() {
      const made = await signedRequest(known, { method: 'GET', headers: { accept: ANSWER_TYPE } });
      const { nonce } = JSON.parse(
        Buffer.from(String(made.headers!['authorization']).slice(6), 'base64url').toString(),
      );
      const rules = { inReplyTo: nonce, request: 'GET /orders', requireRequestBinding: true };
      const { answer, stream } = await send(made.headers!);
      return {
        answer,
        stream,
        open: async () => openedAnswer(known.caller, Buffer.concat(await stream.toArray()), rules),
      };
    },
  };
}

const textOf = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
};

describe('over HTTP/2, a sealed answer', () => {
  test('holds status, headers and body, and a caller with a key gets the same in the open', async () => {
    const api = await serve((_req, res) => {
      res.writeHead(201, { 'content-type': 'text/csv', 'set-cookie': ['a=1', 'b=2'], 'x-secret': 'secret' });
      res.write('a,');
      setImmediate(() => res.end('b'));
    });
    const plain = await api.byKey();
    expect([plain.answer[':status'], plain.answer['content-type'], await textOf(plain.stream)]).toEqual([
      201,
      'text/csv',
      'a,b',
    ]);
    const { answer, open } = await api.ask();
    expect(answer[':status']).toBe(201);
    const { date: _, ...headers } = answer;
    expect(Object.fromEntries(Object.entries(headers))).toEqual({
      ':status': 201,
      'content-type': ANSWER_TYPE,
      'cache-control': 'no-store, no-transform',
      vary: 'Accept, Authorization, Xlink-Envelope',
      'x-accel-buffering': 'no',
    });
    const opened = await open();
    expect(opened).toMatchObject({ status: 201, contentType: 'text/csv', text: 'a,b' });
    expect(opened.headers!.filter(([name]) => name !== 'date')).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-secret', 'secret'],
    ]);
    expect(opened.headers!.filter(([name]) => name === 'date')).toHaveLength(1);
  });

  test.each<[string, Handler, number, string]>([
    ['of nothing', (_req, res) => res.end(), 200, ''],
    ['of one text', (_req, res) => res.end('text'), 200, 'text'],
    ['without content', (_req, res) => res.writeHead(204).end(), 204, ''],
    ['without content, at once', (_req, res) => Object.assign(res, { statusCode: 204 }).end(), 204, ''],
    ['not modified', (_req, res) => res.writeHead(304).end(), 304, ''],
    ['that redirects', (_req, res) => res.writeHead(302, { location: '/a' }).end('see'), 302, 'see'],
    ['that is large', (_req, res) => res.end('x'.repeat(300_000)), 200, 'x'.repeat(300_000)],
    [
      'whose headers go first',
      (_req, res) => {
        res.writeHead(200);
        setImmediate(() => res.end('a'));
      },
      200,
      'a',
    ],
  ])('may be one %s', async (_, handler, status, text) => {
    const api = await serve(handler);
    const { answer, open } = await api.ask();
    expect(answer[':status']).toBe(200);
    expect(await open()).toMatchObject({ status, text });
  });

  test('comes bit by bit', async () => {
    let next = () => {};
    const api = await serve((_req, res) => {
      res.write('one');
      next = () => res.end('two');
    });
    const { stream } = await api.ask();
    await once(stream, 'readable');
    expect(stream.read().length).toBeGreaterThan(200); // the head and the first chunk
    next();
    await textOf(stream);
  });

  test('calls back and drains, as Node does', async () => {
    const piece = 'x'.repeat(1000);
    const total = 3_000_000;
    let sent = 0;
    let seen: string[] = [];
    const api = await serve((_req, res) => {
      res.on('finish', () => seen.push('finish'));
      res.on('close', () => seen.push('close'));
      const go = () => {
        while (sent < total) {
          sent += piece.length;
          if (!res.write(piece)) return void res.once('drain', go);
        }
        res.end(() => seen.push('called back'));
      };
      go();
    });
    const { stream, open } = await api.ask();
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(total);
    expect((await open()).text).toHaveLength(total);
    if (!stream.closed) await once(stream, 'close');
    const sealed = seen;
    [sent, seen] = [0, []];
    const plain = await api.byKey();
    expect(await textOf(plain.stream)).toHaveLength(total);
    if (!plain.stream.closed) await once(plain.stream, 'close');
    expect([...seen].sort()).toEqual(['called back', 'close', 'finish']);
    expect(sealed).toEqual(seen);
  });

  test.each<[string, Handler]>([
    [
      'has trailers that were announced',
      (_req, res) => {
        res.setHeader('trailer', 'x-digest');
        res.write('a');
        res.addTrailers({ 'x-digest': 'secret' });
        res.end();
      },
    ],
    [
      'has trailers',
      (_req, res) => {
        res.write('a');
        res.addTrailers({ 'x-digest': 'secret' });
        res.end();
      },
    ],
    ['breaks off', (_req, res) => void res.write('a', () => res.stream.destroy(new Error('broken')))],
    [
      'has headers of more than 64 KiB',
      (_req, res) => void res.writeHead(200, { 'x-a': Array(70).fill('x'.repeat(1000)) }).end('a'),
    ],
  ])('that %s is no whole answer', async (_, handler) => {
    const api = await serve(handler);
    const { stream } = await api.ask();
    const trailers: unknown[] = [];
    stream.on('trailers', (fields) => trailers.push(fields));
    await expect(textOf(stream)).rejects.toThrow();
    expect(trailers).toEqual([]);
  });

  test('to HEAD there is none', async () => {
    const api = await serve((_req, res) => Object.assign(res, { statusCode: 201 }).end('text'));
    const { answer, stream } = await api.send({ ':method': 'HEAD', 'x-api-key': KEY, accept: ANSWER_TYPE });
    expect([answer[':status'], await textOf(stream)]).toEqual([201, '']);
  });

  test('leaves nothing to push beside it, which would go out in the open; a key caller gets what is pushed', async () => {
    const told: unknown[] = [];
    const api = await serve((_req, res) => {
      try {
        told.push(res.stream.pushAllowed);
        res.createPushResponse({ ':path': '/style.css' }, (error, pushed) => {
          told.push(error);
          pushed.end('secret');
        });
      } catch (error) {
        told.push((error as { code?: string }).code);
      }
      res.end('a');
    });
    const plain = await api.byKey();
    expect(await textOf(plain.stream)).toBe('a');
    expect(told.splice(0)).toEqual([true, null]);
    const { open } = await api.ask();
    expect((await open()).text).toBe('a');
    expect(told).toEqual([false, 'ERR_HTTP2_PUSH_DISABLED']);
  });
});
