import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { ANSWER_TYPE } from '@private.me/xlink';
import { responsesIn } from '../../support/raw-responses.js';
import { withKey } from '../../support/requests.js';
import { problemIdOf } from '../../support/responses.js';
import { openSocket } from '../../support/wire.js';
import { byKey, exchangeBytes, type Handler, last, serveSealing } from './support.js';

const text: Handler = (req, res) => {
  res.setHeader('Content-Type', 'text/plain');
  res.end(`text for ${req.url}`);
};
const streamed: Handler = (req, res) => {
  res.writeHead(203, { 'Content-Type': 'text/csv', 'X-A': ['1', '2'] });
  res.write('a,');
  setImmediate(() => {
    res.write('b,');
    setImmediate(() => res.end(String(req.url)));
  });
};
const slow: Handler = (req, res) => setTimeout(() => res.end(`slow ${req.url}`), 30);

describe('on one connection', () => {
  test('requests that do not wait for each other are answered in order, sealed or not', async () => {
    const api = await serveSealing({ '/text': text, '/streamed': streamed, '/slow': slow });
    const asked = [await api.ask('/slow'), await api.ask('/streamed'), await api.ask('/text')] as const;
    const bytes = await exchangeBytes(
      api.port,
      asked[0].bytes,
      byKey('/text'),
      asked[1].bytes,
      byKey('/streamed'),
      byKey('/slow'),
      asked[2].bytes,
      last(byKey('/text')),
    );
    const answers = responsesIn(bytes);
    expect(answers.map(({ status, headers }) => `${status} ${headers['content-type']}`)).toEqual([
      `200 ${ANSWER_TYPE}`,
      '200 text/plain',
      `203 ${ANSWER_TYPE}`,
      '203 text/csv',
      '200 undefined',
      `200 ${ANSWER_TYPE}`,
      '200 text/plain',
    ]);
    const bodies = answers.map(({ body }) => body.toString());
    expect([bodies[1], bodies[3], bodies[4], bodies[6]]).toEqual([
      'text for /text',
      'a,b,/streamed',
      'slow /slow',
      'text for /text',
    ]);
    const [first, second, third] = [0, 2, 5].map((at) => answers[at]!.body);
    expect((await asked[0].open(first!)).text).toBe('slow /slow');
    expect(await asked[1].open(second!)).toMatchObject({
      status: 203,
      contentType: 'text/csv',
      text: 'a,b,/streamed',
    });
    expect((await asked[2].open(third!)).text).toBe('text for /text');
    expect(bytes.includes('slow /slow', bytes.indexOf('slow /slow') + 1)).toBe(false); // that of the key alone
  });

  test('a caller with a key gets what it gets without the adapter, before and behind a sealed answer', async () => {
    const api = await serveSealing({ '/text': text, '/streamed': streamed });
    const socket = await openSocket(api.port);
    const asked = await api.ask('/streamed');
    for (const request of [byKey('/streamed'), asked.bytes, byKey('/streamed'), last(byKey('/text'))])
      socket.write(request);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const [before, sealed, behind, end] = responsesIn(Buffer.concat(chunks));
    const { date: _, ...headers } = before!.headers;
    expect(headers).toMatchObject({ 'content-type': 'text/csv', 'x-a': '2', 'transfer-encoding': 'chunked' });
    expect(behind).toEqual({ ...before, headers: { ...behind!.headers } });
    expect({ ...behind!.headers, date: '' }).toEqual({ ...headers, date: '' });
    expect([end!.body.toString(), end!.headers['content-length']]).toEqual(['text for /text', '14']);
    expect((await asked.open(sealed!.body)).text).toBe('a,b,/streamed');
  });

  test('nothing is left on it by the sealed answers that went over it', async () => {
    const api = await serveSealing({ '/text': text });
    const counts: (readonly [number, number])[] = [];
    for (let n = 0; n < 30; n++) {
      const { sent, open } = await api.ask('/text');
      const answer = await api.send(sent);
      expect((await open(answer.bytes)).text).toBe('text for /text');
      const socket = api.sockets[0]!;
      await api.quiet();
      counts.push([socket.listenerCount('drain'), socket.listenerCount('close')]);
    }
    expect(api.sockets).toHaveLength(1);
    expect(new Set(counts.slice(1).map(String)).size).toBe(1);
    expect((await api.send(withKey({ path: '/text' }))).text).toBe('text for /text');
  });

  test('a caller that goes away ends the answer, and the handler is told', async () => {
    const seen: string[] = [];
    let more = () => {};
    const api = await serveSealing({
      '/long': (_req, res) => {
        res.on('close', () => seen.push(`close, ended ${res.writableEnded}`));
        res.write('a', () => seen.push('written a'));
        more = () => res.write('b', () => seen.push('called back b'));
      },
    });
    const { bytes } = await api.ask('/long');
    const socket = await openSocket(api.port);
    socket.write(bytes);
    await once(socket, 'data');
    socket.destroy();
    await api.quiet();
    expect(seen).toEqual(['written a', 'close, ended false']);
    more();
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen.length).toBeLessThanOrEqual(3); // as Node has it for a response that is closed
    expect(api.events.filter(({ type }) => type === 'fault')).toEqual([]);
  });
});

describe('what stands around a sealed answer', () => {
  const status: Handler = (req, res) => {
    res.statusCode = Number(req.headers['x-status']);
    res.setHeader('Location', '/secret');
    res.setHeader('Content-Type', 'text/secret');
    res.end(res.statusCode === 204 || res.statusCode === 304 ? undefined : 'secret');
  };

  test.each([
    200, 201, 202, 203, 226, 400, 401, 402, 403, 404, 409, 410, 416, 418, 429, 451, 500, 502, 503, 599,
  ])('is its status, where that does not make anybody act: %i', async (code) => {
    const api = await serveSealing({ '/status': status });
    const { sent, open } = await api.ask('/status', { headers: { 'x-status': code } });
    const answer = await api.send(sent);
    expect([answer.status, (await open(answer.bytes)).status]).toEqual([code, code]);
  });

  test.each([204, 205, 206, 300, 301, 302, 303, 304, 305, 307, 308, 399, 407])(
    'is 200, where it does: %i',
    async (code) => {
      const api = await serveSealing({ '/status': status });
      const { sent, open } = await api.ask('/status', { headers: { 'x-status': code } });
      const answer = await api.send(sent);
      expect([answer.status, answer.headers['location']]).toEqual([200, undefined]);
      expect(await open(answer.bytes)).toMatchObject({
        status: code,
        contentType: 'text/secret',
        text: code === 204 || code === 304 ? '' : 'secret',
      });
    },
  );

  test('[C4] keeps caches and proxies honest, and says what they act on before anybody can open it', async () => {
    const api = await serveSealing({
      '/': (_req, res) => {
        res.setHeader('Cache-Control', 'public, max-age=3600');
        res.setHeader('Vary', 'Origin');
        res.setHeader('ETag', '"1"');
        res.setHeader('Set-Cookie', ['a=secret', 'b=secret']);
        res.setHeader('Access-Control-Allow-Origin', 'https://app.example');
        res.setHeader('Strict-Transport-Security', 'max-age=1');
        res.setHeader('X-Secret', 'secret');
        res.end('secret');
      },
    });
    const { bytes, open } = await api.ask('/');
    const all = await exchangeBytes(api.port, last(bytes));
    expect(all.includes('secret')).toBe(false);
    const [answer] = responsesIn(all);
    const { date, 'content-length': length, ...headers } = answer!.headers;
    expect(headers).toEqual({
      'content-type': ANSWER_TYPE,
      'cache-control': 'no-store, no-transform',
      vary: 'Origin, Accept, Authorization, Xlink-Envelope',
      'x-accel-buffering': 'no',
      'access-control-allow-origin': 'https://app.example',
      'strict-transport-security': 'max-age=1',
      connection: 'close',
    });
    expect([typeof date, Number(length)]).toEqual(['string', answer!.body.length]);
    const opened = await open(answer!.body);
    expect(opened.headers!.filter(([name]) => name === 'set-cookie')).toEqual([
      ['set-cookie', 'a=secret'],
      ['set-cookie', 'b=secret'],
    ]);
    const inside = Object.fromEntries(opened.headers!);
    expect(inside).toMatchObject({ 'cache-control': 'public, max-age=3600', vary: 'Origin', etag: '"1"' });
    for (const name of ['connection', 'keep-alive', 'transfer-encoding'])
      expect(inside[name]).toBeUndefined();
  });

  test('interim responses come first, as they are', async () => {
    const api = await serveSealing({
      '/hints': (_req, res) => {
        res.writeContinue();
        res.writeEarlyHints({ link: '</a.css>; rel=preload' });
        res.end('final');
      },
    });
    const { bytes, open } = await api.ask('/hints');
    const answers = responsesIn(await exchangeBytes(api.port, last(bytes)));
    expect(answers.map(({ status: code }) => code)).toEqual([100, 103, 200]);
    expect(answers[1]!.headers['link']).toBe('</a.css>; rel=preload');
    expect((await open(answers[2]!.body)).text).toBe('final');
  });

  test('to HEAD there is what a caller with a key gets', async () => {
    const api = await serveSealing({ '/text': text });
    const { sent } = await api.ask('/text', { method: 'HEAD' });
    const [byEnvelope, withItsKey] = [
      await api.send(sent),
      await api.send(withKey({ method: 'HEAD', path: '/text' })),
    ];
    expect(byEnvelope).toMatchObject({ status: 200, text: '' });
    expect(Object.keys(byEnvelope.headers)).toEqual(Object.keys(withItsKey.headers));
    expect(byEnvelope.headers['content-type']).toBe('text/plain');
  });
});

describe('HTTP/1.0', () => {
  const asOld = (bytes: Buffer, more = '') =>
    Buffer.from(bytes.toString('latin1').replace(' HTTP/1.1\r\n', ` HTTP/1.0\r\n${more}`), 'latin1');
  /** The length is known, and the end is not there when the first bytes go out. */
  const counted: Handler = (req, res) => {
    res.writeHead(200, { 'Content-Length': 10 + req.url!.length });
    res.write('0123456789', () => res.end(req.url));
  };

  test.each([
    ['of a length', '/text', 'text for /text'],
    ['bit by bit', '/streamed', 'a,b,/streamed'],
    ['of a length, bit by bit', '/counted', '0123456789/counted'],
  ])('an answer %s has no chunks of HTTP, and ends with the connection', async (_, path, expected) => {
    const api = await serveSealing({ '/text': text, '/streamed': streamed, '/counted': counted });
    for (const more of ['', 'Connection: keep-alive\r\n']) {
      const { bytes, open } = await api.ask(path);
      const [answer, ...others] = responsesIn(await exchangeBytes(api.port, asOld(bytes, more)));
      expect(others).toEqual([]);
      expect([answer!.chunked, answer!.headers['transfer-encoding']]).toEqual([false, undefined]);
      expect(answer!.headers['connection']).toBe('close');
      expect((await open(answer!.body)).text).toBe(expected);
    }
  });
});

describe('an answer that cannot be sealed', () => {
  const refused = async (handler: Handler) => {
    const api = await serveSealing({ '/': handler, '/text': text });
    const { sent } = await api.ask('/');
    const answer = await api.send(sent);
    expect([answer.status, answer.headers['content-type']]).toEqual([500, 'application/problem+json']);
    expect(problemIdOf(answer)).toBe('ANSWER_NOT_SEALED');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await api.send(withKey({ path: '/text' }))).text).toBe('text for /text');
    expect(api.sockets).toHaveLength(1);
    await api.quiet();
    return api;
  };

  test('because of trailers that were announced', async () => {
    const api = await refused((_req, res) => {
      res.writeHead(200, { Trailer: 'Digest' });
      res.write('a');
      res.addTrailers({ Digest: 'x' });
      res.end();
    });
    expect(api.of('fault').map(({ error }) => error.id)).toEqual(['ANSWER_NOT_SEALED']);
  });

  test('because of its headers, which are longer than 64 KiB', async () => {
    await refused((_req, res) => {
      for (let n = 0; n < 9; n++) res.setHeader(`X-Long-${n}`, 'x'.repeat(8000));
      res.end('a');
    });
  });

  test('just below that it can', async () => {
    const api = await serveSealing({
      '/': (_req, res) => {
        for (let n = 0; n < 8; n++) res.setHeader(`X-Long-${n}`, 'x'.repeat(8000));
        res.end('a'.repeat(70_000));
      },
    });
    const { sent, open } = await api.ask('/');
    const opened = await open((await api.send(sent)).bytes);
    expect([opened.status, opened.text.length, opened.headers!.length >= 8]).toEqual([200, 70_000, true]);
  });

  test('because the signer is away', async () => {
    const known = await serveSealing({ '/text': text });
    known.api.prepareAnswer = async () => () => Promise.reject(new Error('the signer is away'));
    const { sent } = await known.ask('/text');
    const answer = await known.send(sent);
    expect([answer.status, problemIdOf(answer)]).toEqual([500, 'ANSWER_NOT_SEALED']);
    expect((known.of('fault')[0]!.error.cause as Error).message).toBe('the signer is away');
  });

  test('any more, because of trailers that nobody announced: it is broken off', async () => {
    const api = await serveSealing({
      '/': (_req, res) => {
        res.write('a', () => {
          res.addTrailers({ Digest: 'x' });
          res.end('b');
        });
      },
    });
    const { bytes } = await api.ask('/');
    const all = await exchangeBytes(api.port, bytes);
    expect(() => responsesIn(all)).toThrow('cut off');
  });
});

describe('a slow reader', () => {
  test.each([100, 1000, 16_384, 65_536, 200_000])(
    'holds up a handler that waits for `drain`, and gets everything: %i bytes at a time',
    async (size) => {
      const total = 12 * 2 ** 20;
      const state = { sent: 0, held: 0, waits: 0 };
      const piece = Buffer.alloc(size, 'x');
      const api = await serveSealing({
        '/long': (_req, res) => {
          const go = () => {
            while (state.sent < total) {
              state.sent += size;
              const hasRoom = res.write(piece);
              state.held = Math.max(state.held, res.writableLength);
              if (!hasRoom) {
                state.waits += 1;
                return void res.once('drain', go);
              }
            }
            res.end();
          };
          go();
        },
      });
      const { bytes, open } = await api.ask('/long');
      const socket = await openSocket(api.port);
      socket.pause();
      socket.write(last(bytes));
      while (state.waits === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      let before = -1;
      while (before !== state.sent) {
        before = state.sent;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(state.sent).toBeLessThan(total); // it waits for the reader
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      const [answer] = responsesIn(Buffer.concat(chunks));
      expect((await open(answer!.body)).text).toHaveLength(state.sent);
      expect(state.held).toBeLessThan(1_000_000);
    },
    30_000,
  );
});
