import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { Version } from '@private.me/xlink';
import type { RequestHandler } from 'express';
import { encodeFrames, FRAME } from '../../src/http/answer-frames.js';
import { afterTest } from '../support/after-test.js';
import { framesOf, joined } from '../support/answers.js';
import {
  type ApiService,
  fetchFor,
  type HandmadeExchange,
  idOfRejection,
  postMisbehaving,
  rejection,
  serveApi,
} from './support.js';

/** An API with one handler, and a client that has called it. */
async function served(handler: RequestHandler, options: Parameters<typeof fetchFor>[1] = {}) {
  const api = await serveApi({}, (app) => app.all('/stream', handler));
  const fetch = fetchFor(api.url, options);
  await fetch('/hello');
  return { api, fetch };
}

/** A handler that hands its response to the test. */
function held() {
  let give: (res: ServerResponse) => void;
  const response = new Promise<ServerResponse>((resolve) => {
    give = resolve;
  });
  const handler: RequestHandler = (_req, res) => give(res);
  return { handler, response };
}

const read = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> => {
  const { done, value } = await reader.read();
  return done ? 'done' : Buffer.from(value).toString();
};

const encodeFrame = (type: number, bytes: Uint8Array) => Buffer.concat(encodeFrames([{ type, bytes }]));
const BROKEN = 'ANSWER_INVALID:BROKEN_OFF';

describe('the body of a sealed answer', () => {
  test('comes as it is written, and the response before all of it', async () => {
    const { handler, response } = held();
    const { fetch } = await served(handler);
    const answering = fetch('/stream');
    const res = await response;
    res.writeHead(202, { 'Content-Type': 'text/event-stream' });
    res.flushHeaders();
    const answer = await answering;
    expect([answer.status, answer.headers.get('content-type')]).toEqual([202, 'text/event-stream']);
    const reader = answer.body!.getReader();
    for (const text of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      const reading = read(reader);
      res.write(text);
      expect(await reading).toBe(text);
    }
    res.end();
    expect(await read(reader)).toBe('done');
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 1_000_000])(
    'has %i bytes, written in one go, in pieces, or bit by bit',
    async (size) => {
      const bytes = Buffer.alloc(size, 'abcdefg');
      const { fetch } = await served(async (req, res) => {
        const piece = Number(req.headers['x-piece']);
        for (let at = 0; at < size; at += piece) {
          res.write(bytes.subarray(at, at + piece));
          if (req.headers['x-wait']) await new Promise((resolve) => setImmediate(resolve));
        }
        res.end();
      });
      for (const headers of [
        { 'x-piece': `${2 ** 30}` },
        { 'x-piece': '65536' },
        { 'x-piece': '40000', 'x-wait': '1' },
      ]) {
        const answer = await fetch('/stream', { headers });
        expect(bytes.equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
      }
    },
  );

  test.each([1, 2, 3] as Version[])('is sealed in version %i, one chunk or several', async (version) => {
    const api = await serveApi(
      {},
      (app) => app.get('/stream', (req, res) => void res.send('x'.repeat(Number(req.query['size'])))),
      { maxVersion: 3, postQuantumSig: true },
    );
    const fetch = fetchFor(api.url, { version });
    for (const size of [1, 100_000, 200_000]) {
      const answer = await fetch(`/stream?size=${size}`);
      expect([answer.headers.get('xlink-sealed'), (await answer.text()).length]).toEqual(['true', size]);
    }
  });

  test('may be cloned, piped and read in every way', async () => {
    const { fetch } = await served((_req, res) => void res.json({ a: 'x'.repeat(100_000) }));
    const answer = await fetch('/stream');
    const copy = answer.clone();
    expect([(await answer.json()).a.length, (await copy.blob()).size]).toEqual([100_000, 100_008]);
    const piped = (await fetch('/stream')).body!.pipeThrough(new TextDecoderStream());
    let text = '';
    for await (const piece of piped as unknown as AsyncIterable<string>) text += piece;
    expect(JSON.parse(text).a).toHaveLength(100_000);
  });

  test('has Set-Cookie as often as it was set, and every header once', async () => {
    const { fetch } = await served((_req, res) => {
      res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2']);
      res.setHeader('X-A', '1');
      res.setHeader('Link', ['<a>', '<b>']);
      res.end('a');
    });
    const { headers } = await fetch('/stream');
    expect([headers.getSetCookie(), headers.get('x-a'), headers.get('link')]).toEqual([
      ['a=1; Path=/', 'b=2'],
      '1',
      '<a>, <b>',
    ]);
  });

  test.each([200, 201, 206, 299, 302, 307, 401, 404, 407, 416, 429, 500, 503, 599])(
    'has the status of the handler: %i',
    async (status) => {
      const { fetch } = await served(
        (_req, res) => void res.status(status).set('Location', '/x').send('body'),
      );
      const answer = await fetch('/stream', { redirect: 'manual' });
      expect([answer.status, answer.headers.get('xlink-sealed'), await answer.text()]).toEqual([
        status,
        'true',
        'body',
      ]);
      expect(answer.headers.get('location')).toBe('/x'); // not followed
    },
  );
});

describe('a reader', () => {
  test('that has enough ends the connection, and the handler is told', async () => {
    const { handler, response } = held();
    const { fetch } = await served(handler);
    const answering = fetch('/stream');
    const res = await response;
    res.write('a');
    const reader = (await answering).body!.getReader();
    expect(await read(reader)).toBe('a');
    const closed = once(res, 'close');
    await reader.cancel('enough');
    await closed;
    expect(res.writableEnded).toBe(false);
  });

  test('that aborts gets an AbortError, and the handler is told', async () => {
    const { handler, response } = held();
    const { fetch } = await served(handler);
    const abort = new AbortController();
    const answering = fetch('/stream', { signal: abort.signal });
    const res = await response;
    res.write('a');
    const reader = (await answering).body!.getReader();
    expect(await read(reader)).toBe('a');
    const [closed, reading] = [once(res, 'close'), rejection(reader.read())];
    abort.abort();
    expect((await reading).name).toBe('AbortError');
    await closed;
  });

  test('that does not read holds the handler up', async () => {
    const state = { sent: 0 };
    const piece = Buffer.alloc(65_536);
    const { fetch } = await served((_req, res) => {
      const go = () => {
        while (state.sent < 64 * 2 ** 20) {
          state.sent += piece.length;
          if (!res.write(piece)) return void res.once('drain', go);
        }
        res.end();
      };
      go();
    });
    const answer = await fetch('/stream');
    let before = -1;
    while (before !== state.sent) {
      before = state.sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(state.sent).toBeLessThan(32 * 2 ** 20);
    expect((await answer.arrayBuffer()).byteLength).toBe(64 * 2 ** 20);
  });

  test('that takes no more than maxAnswerBytes gets those, and the connection ends', async () => {
    const { handler, response } = held();
    const { fetch } = await served(handler, { maxAnswerBytes: 100_000 });
    const answering = fetch('/stream');
    const res = await response;
    res.write('x'.repeat(60_000));
    const reader = (await answering).body!.getReader();
    expect(await read(reader)).toHaveLength(60_000);
    const closed = once(res, 'close');
    res.write('x'.repeat(40_001));
    expect(await idOfRejection(reader.read())).toBe('ANSWER_INVALID:TOO_LARGE');
    await closed;
    const exact = await served((_req, res) => void res.send('x'.repeat(100_000)), {
      maxAnswerBytes: 100_000,
    });
    expect(await (await exact.fetch('/stream')).text()).toHaveLength(100_000);
  });
});

describe('an answer that breaks off', () => {
  test('behind its first bytes: they are read, and then the reading fails', async () => {
    const { handler, response } = held();
    const { fetch } = await served(handler);
    const answering = fetch('/stream');
    const res = await response;
    res.write('first');
    const reader = (await answering).body!.getReader();
    expect(await read(reader)).toBe('first');
    res.destroy();
    expect(await idOfRejection(reader.read())).toBe(BROKEN);
  });

  test('although HTTP says that it is whole: with a proxy that ends what broke off', async () => {
    const api = await serveApi({}, (app) =>
      app.get('/stream', (_req, res) => {
        res.write('first');
        res.write('x'.repeat(100_000));
        setTimeout(() => res.end('last'), 20);
      }),
    );
    for (let keep = 1; keep <= 4; keep++) {
      const fetch = fetchFor(api.url, {
        fetch: async (input, init) => {
          const answer = await globalThis.fetch(input, init);
          if (!String(input).endsWith('/stream')) return answer;
          const frames = framesOf(new Uint8Array(await answer.arrayBuffer()));
          expect(frames.length).toBeGreaterThan(4);
          return new Response(new Uint8Array(joined(frames.slice(0, keep))), { headers: answer.headers });
        },
      });
      const answer = fetch('/stream').then((one) => one.text());
      expect(await idOfRejection(answer)).toBe(BROKEN);
    }
  });

  test('before its head is whole', async () => {
    const { api, handled } = await cutOff(100);
    expect(await idOfRejection(fetchFor(api)('/stream'))).toBe(BROKEN);
    expect(handled()).toBe(1);
  });
});

/** A service whose answers to `/stream` end, with their connection, after some bytes of their body. */
async function cutOff(bytes: number) {
  const inner: ApiService = await serveApi({}, (app) =>
    app.get('/stream', (_req, res) => void res.send('text')),
  );
  const { port: target } = new URL(inner.url);
  const { connect } = await import('node:net');
  const server = createServer((socket) => {
    const upstream = connect(Number(target), '127.0.0.1');
    for (const one of [socket, upstream]) one.on('error', () => {});
    let isStream = false;
    let got = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      isStream = chunk.toString('latin1').startsWith('GET /stream');
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (!isStream) return void socket.write(chunk);
      got = Buffer.concat([got, chunk]);
      const body = got.indexOf('\r\n\r\n') + 4;
      if (body > 3) socket.write(got.subarray(0, body + bytes), () => socket.destroy());
    });
    socket.on('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => void server.close());
  const { port } = server.address() as { port: number };
  return { api: `http://127.0.0.1:${port}`, handled: () => inner.count('/stream') };
}

describe('nobody on the way can change an answer of several chunks', () => {
  /** What the caller reads of an answer whose frames somebody has changed. */
  async function changed(change: (frames: ReturnType<typeof framesOf>) => readonly Uint8Array[]) {
    const { answer } = await postMisbehaving(async (exchange: HandmadeExchange) => {
      const sealed = await exchange.seal({ body: `${'a'.repeat(65_536)}${'b'.repeat(65_536)}c` });
      return { ...sealed, body: Buffer.concat(change(framesOf(sealed.body))) };
    });
    return answer.then((one) => one.text());
  }
  const all = (frames: ReturnType<typeof framesOf>) =>
    frames.map(({ type, bytes }) => encodeFrame(type, bytes));

  test('as it is, it is whole', async () => {
    expect(await changed(all)).toHaveLength(131_073);
  });

  const INVALID = 'ANSWER_INVALID';
  test.each<[string, (frames: readonly Uint8Array[]) => readonly Uint8Array[], string]>([
    ['a chunk is left out', ([a, b, , d, e]) => [a!, b!, d!, e!], INVALID],
    ['a chunk comes twice', ([a, b, c, d, e]) => [a!, b!, c!, c!, d!, e!], INVALID],
    ['chunks change places', ([a, b, c, d, e]) => [a!, b!, d!, c!, e!], INVALID],
    [
      'the last is called one of many',
      ([a, b, c, d, e]) => [a!, b!, c!, renamed(d!, FRAME.chunk), e!],
      INVALID,
    ],
    [
      'one of many is called the last',
      ([a, b, c, , e]) => [a!, b!, renamed(c!, FRAME.finalChunk), e!],
      INVALID,
    ],
    ['the first is called the last', ([a, b]) => [a!, renamed(b!, FRAME.finalChunk)], INVALID],
    ['a bit is turned', ([a, b, c, d, e]) => [a!, b!, turned(c!), d!, e!], INVALID],
    ['a bit of the end is turned', ([a, b, c, d, e]) => [a!, b!, c!, d!, turned(e!)], INVALID],
    ['the end is missing', ([a, b, c, d]) => [a!, b!, c!, d!], BROKEN],
    [
      'the end is empty',
      ([a, b, c, d]) => [a!, b!, c!, d!, encodeFrame(FRAME.end, new Uint8Array())],
      INVALID,
    ],
    ['the end is longer', ([a, b, c, d, e]) => [a!, b!, c!, d!, longer(e!)], INVALID],
    ['the end comes early', ([a, b, , , e]) => [a!, b!, e!], INVALID],
    ['something follows', ([a, b, c, d, e]) => [a!, b!, c!, d!, e!, Uint8Array.of(2, 0, 0, 0, 0)], INVALID],
    ['one byte follows', ([a, b, c, d, e]) => [a!, b!, c!, d!, e!, Uint8Array.of(0)], INVALID],
    ['a head follows', ([a, b, c, d, e]) => [a!, b!, c!, d!, e!, a!], INVALID],
    [
      'an unknown frame is among them',
      ([a, b, c, d, e]) => [a!, b!, Uint8Array.of(9, 0, 0, 0, 0), c!, d!, e!],
      INVALID,
    ],
  ])('%s', async (_, change, id) => {
    expect(await idOfRejection(changed((frames) => change(all(frames))))).toBe(id);
  });

  test('with the end of another answer of the same content', async () => {
    const ends: Uint8Array[] = [];
    await changed((frames) => {
      ends.push(all(frames).at(-1)!);
      return all(frames);
    });
    expect(await idOfRejection(changed((frames) => [...all(frames).slice(0, -1), ends[0]!]))).toBe(INVALID);
  });
});

const renamed = (frame: Uint8Array, type: number) => frame.map((byte, at) => (at === 0 ? type : byte));
const turned = (frame: Uint8Array) => frame.map((byte, at) => (at === frame.length - 1 ? byte ^ 1 : byte));
const longer = (frame: Uint8Array) =>
  encodeFrame(FRAME.end, Buffer.concat([frame.subarray(5), Buffer.from([0])]));
