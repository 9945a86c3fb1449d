import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { ANSWER_TYPE } from '@private.me/xlink';
import express from 'express';
import { afterTest } from '../../support/after-test.js';
import { openedAnswer } from '../../support/answers.js';
import { type RawResponse, responsesIn } from '../../support/raw-responses.js';
import { onTheWire, signedRequest } from '../../support/requests.js';
import { problemIdOf } from '../../support/responses.js';
import { recorder } from '../../support/service.js';
import { World } from '../../support/world.js';
import { byKey, type Handler, last } from './support.js';

/**
 * An API on connections that are none of Node's: a pair of streams in the same process, as tests and wrappers have them. What
 * is written to a response is sealed in its own methods there.
 */
async function serve(handler: Handler) {
  const known = await World.withCaller();
  const { adapter, events } = recorder(known.api);
  const app = express();
  app.disable('x-powered-by');
  app.use(adapter.middleware());
  app.use((req, res) => void handler(req, res));
  const server = createServer(app);
  afterTest(() => server.closeAllConnections());
  const exchange = async (request: Buffer, pause?: Promise<unknown>): Promise<RawResponse> => {
    const [there, back] = [new PassThrough(), new PassThrough()];
    server.emit('connection', Duplex.from({ readable: there, writable: back }));
    there.write(last(request));
    await pause;
    return responsesIn(Buffer.concat(await back.toArray()))[0]!;
  };
  return {
    events,
    exchange,
    async ask(pause?: Promise<unknown>) {
      const made = await signedRequest(known, { method: 'GET', headers: { accept: ANSWER_TYPE } });
      const token = String(made.headers!['authorization']).slice(6);
      const { nonce: inReplyTo } = JSON.parse(Buffer.from(token, 'base64url').toString());
      const answer = await exchange(onTheWire(made), pause);
      const open = () => openedAnswer(known.caller, answer.body, { inReplyTo, request: 'GET /orders' });
      return { answer, open };
    },
  };
}

describe('on a connection that is none of Node’s, a sealed answer', () => {
  test.each<[string, Handler, number, string]>([
    ['of nothing', (_req, res) => res.end(), 200, ''],
    ['of one text', (_req, res) => res.end('text'), 200, 'text'],
    ['of bytes in an encoding', (_req, res) => res.end('dGV4dA==', 'base64'), 200, 'text'],
    ['of pieces', (_req, res) => [res.write('a'), res.write(Buffer.from('b')), res.end('c')], 200, 'abc'],
    ['without content', (_req, res) => res.writeHead(204).end(), 204, ''],
    ['that redirects', (_req, res) => res.writeHead(302, { Location: '/a' }).end('see'), 302, 'see'],
    ['that is large', (_req, res) => res.end('x'.repeat(300_000)), 200, 'x'.repeat(300_000)],
    [
      'whose headers go first',
      (_req, res) => {
        res.flushHeaders();
        setImmediate(() => res.end('a'));
      },
      200,
      'a',
    ],
  ])('may be one %s', async (_, handler, status, text) => {
    const api = await serve(handler);
    const { answer, open } = await api.ask();
    expect([answer.status, answer.headers['content-type']]).toEqual([200, ANSWER_TYPE]);
    expect(await open()).toMatchObject({ status, text });
  });

  const FORMS: [string, (res: ServerResponse) => unknown][] = [
    ['an object', (res) => res.writeHead(201, { 'X-A': ['1', '2'], 'Content-Type': 'text/csv' })],
    ['a list', (res) => res.writeHead(201, ['X-A', '1', 'X-A', '2', 'Content-Type', 'text/csv'] as never)],
    [
      'a reason and an object',
      (res) => res.writeHead(201, 'Made', { 'x-a': ['1', '2'], 'content-type': 'text/csv' }),
    ],
    [
      'what was set before',
      (res) => {
        res.setHeader('X-A', '0');
        res.setHeader('Content-Type', 'text/csv');
        res.writeHead(201, { 'x-a': ['1', '2'] });
      },
    ],
  ];
  test.each(FORMS)('has the headers of writeHead: %s', async (_, write) => {
    const api = await serve((_req, res) => {
      write(res);
      res.end('a');
    });
    const { answer, open } = await api.ask();
    expect([answer.status, answer.headers['x-a']]).toEqual([201, undefined]);
    const { contentType, headers } = await open();
    expect([contentType, headers!.filter(([name]) => name === 'x-a')]).toEqual([
      'text/csv',
      [
        ['x-a', '1'],
        ['x-a', '2'],
      ],
    ]);
  });

  test('runs hooks on writeHead once, when they would have run, and calls back', async () => {
    const seen: string[] = [];
    const api = await serve((_req, res) => {
      const { writeHead } = res;
      res.writeHead = ((...args: [number]) => {
        seen.push('head');
        res.setHeader('X-Late', '1');
        return writeHead.apply(res, args);
      }) as never;
      res.on('finish', () => seen.push('finish'));
      seen.push(`${res.headersSent}`);
      res.write('a', () => {
        seen.push('written');
        res.end('b', () => seen.push('ended'));
      });
      seen.push('behind');
    });
    const { open } = await api.ask();
    expect((await open()).headers).toContainEqual(['x-late', '1']);
    expect(seen.slice(0, 4)).toEqual(['false', 'head', 'behind', 'written']);
    expect(seen.slice(4).sort()).toEqual(['ended', 'finish']);
  });

  test('waits for a slow reader, and goes on', async () => {
    const state = { sent: 0, total: 3_000_000 };
    const piece = 'x'.repeat(1000);
    let waits = () => {};
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const api = await serve((_req, res) => {
      const go = () => {
        while (state.sent < state.total) {
          state.sent += piece.length;
          if (res.write(piece)) continue;
          waits();
          return void res.once('drain', go);
        }
        res.end();
      };
      go();
    });
    const { open } = await api.ask(waiting);
    expect((await open()).text).toHaveLength(state.total);
  });

  test('that cannot be sealed is a refusal', async () => {
    const api = await serve((_req, res) =>
      res.writeHead(200, { Trailer: 'x-digest', 'X-Secret': '1' }).end('a'),
    );
    const { answer } = await api.ask();
    expect([answer.status, answer.headers['x-secret']]).toEqual([500, undefined]);
    expect(problemIdOf({ ...answer, text: answer.body.toString(), bytes: answer.body })).toBe(
      'ANSWER_NOT_SEALED',
    );
  });

  test('is none for a caller with a key', async () => {
    const api = await serve((_req: IncomingMessage, res) => res.writeHead(201, { 'X-A': '1' }).end('text'));
    const answer = await api.exchange(byKey('/orders'));
    expect([answer.status, answer.headers['x-a'], answer.body.toString()]).toEqual([201, '1', 'text']);
  });
});
