import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentOptions,
  type Envelope,
  ERROR_TABLE,
  HttpsTransportAdapter,
  type HttpsTransportOptions,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type NonceStore,
} from '@private.me/xlink';
import express from 'express';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { listen } from '../support/listen.js';
import { errorOf, idOf, unwrap } from '../support/results.js';

/** What stands in front of the receiver: answers itself, or leaves the request to it. */
type Front = (req: IncomingMessage, res: ServerResponse, next: () => void, nth: number) => void;

/** Alice sends to Bob, who is an Express app with `agent.middleware()`. */
async function world(
  options: Partial<HttpsTransportOptions> = {},
  front: Front = (_req, _res, next) => next(),
  forBob: AgentOptions = {},
) {
  const registry = new MemoryTrustRegistry();
  const bob = unwrap(await Agent.fromSeed({ seed: seedOf('https bob'), registry, ...forBob }));
  const handled: unknown[] = [];
  const arrived: Envelope[] = [];
  const app = express();
  app.post('/xlink', bob.middleware(), (req, res) => {
    handled.push(req.body);
    res.status(200).json({});
  });
  let requests = 0;
  const listener: RequestListener = (req, res) => {
    requests += 1;
    front(req, res, () => app(req, res), requests);
  };
  const { url, server } = await listen(listener);
  const waits: number[] = [];
  const backoff = (attempt: number) => {
    waits.push(attempt);
    return 5;
  };
  const transport = new HttpsTransportAdapter({ baseUrl: `${url}/xlink`, backoff, ...options });
  afterTest(async () => transport.dispose());
  const alice = unwrap(await Agent.fromSeed({ seed: seedOf('https alice'), registry, transport }));
  return { alice, bob, handled, arrived, waits, server, requests: () => requests, transport };
}

const send = ({ alice, bob }: { alice: Agent; bob: Agent }, payload: unknown = 'hello') =>
  alice.send({ to: bob.did, payload });

describe('HttpsTransportAdapter', () => {
  test('delivers to agent.middleware() of the other side', async () => {
    const ends = await world();
    unwrap(await send(ends));
    expect([ends.handled, ends.requests()]).toEqual([['hello'], 1]);
  });

  test('an answer that was lost: the same envelope goes out again, and is one message', async () => {
    const ends = await world({}, (_req, res, next, nth) => {
      if (nth === 1) res.end = (() => res.destroy()) as never; // the receiver has it; its answer does not get through
      next();
    });
    const { envelopeId } = unwrap(await send(ends));
    expect([ends.handled, ends.requests(), ends.waits]).toEqual([['hello'], 2, [2]]);
    expect(typeof envelopeId).toBe('string');
  });

  test('a request that was lost: the same', async () => {
    const ends = await world({}, (req, _res, next, nth) => (nth === 1 ? void req.socket.destroy() : next()));
    unwrap(await send(ends));
    expect([ends.handled, ends.requests()]).toEqual([['hello'], 2]);
  });

  test.each([502, 503, 504])('a %i of a proxy: the same', async (status) => {
    const ends = await world({}, (_req, res, next, nth) =>
      nth === 1 ? void res.writeHead(status).end() : next(),
    );
    unwrap(await send(ends));
    expect([ends.handled, ends.requests()]).toEqual([['hello'], 2]);
  });

  test('no answer in time is an unknown outcome, also where it comes bit by bit', async () => {
    for (const answer of [
      () => {},
      (res: ServerResponse) => {
        res.writeHead(200);
        const drip = setInterval(() => res.write('.'), 20);
        res.once('close', () => clearInterval(drip));
      },
    ]) {
      const ends = await world({ timeoutMs: 100, retries: 1 }, (_req, res) => answer(res));
      const started = performance.now();
      expect(idOf(await send(ends))).toBe('SEND_FAILED:UNKNOWN_OUTCOME');
      expect(performance.now() - started).toBeLessThan(2000);
      expect(ends.requests()).toBe(2);
    }
  });

  test('a receiver that refused unread gets the message sealed anew, under the id that send returns', async () => {
    const real = new MemoryNonceStore();
    const asked: string[] = [];
    let isDown = true;
    const nonceStore: NonceStore = {
      seen: (use) => {
        asked.push(use.nonce);
        if (isDown) {
          isDown = false;
          throw new Error('down');
        }
        return real.seen(use);
      },
      claim: (use, ttlMs) => real.claim(use, ttlMs),
    };
    const ends = await world({}, undefined, { nonceStore });
    const { envelopeId } = unwrap(await send(ends));
    expect([ends.handled, new Set(asked).size, asked.at(-1)]).toEqual([['hello'], 2, envelopeId]);
  });

  test('a nonce that an unread attempt used up is not taken for delivered', async () => {
    const claimed = new Set<string>();
    const nonceStore: NonceStore = {
      seen: ({ nonce }) => claimed.has(nonce),
      claim: ({ nonce }) => {
        claimed.add(nonce);
        throw new Error('the answer of the store was lost');
      },
    };
    const ends = await world({ retries: 3 }, undefined, { nonceStore });
    expect(idOf(await send(ends))).toBe('SEND_FAILED');
    // Without a way to seal anew, the second attempt meets its own nonce.
    const request = ends.transport.binding;
    const envelope = await ends.alice.createEnvelope({ to: ends.bob.did, payload: 1, request });
    expect(idOf(await ends.transport.send(envelope, ends.bob.did))).toBe('REPLAY_DETECTED');
    expect(ends.handled).toEqual([]);
  });

  test('a refusal is the error of its problem document, and is final', async () => {
    const ends = await world({}, undefined, { receiveScopes: ['other'] });
    const request = ends.transport.binding;
    const { did: to } = ends.bob;
    const envelope = await ends.alice.createEnvelope({ to, payload: 1, scope: 'other', request });
    expect(idOf(await ends.transport.send({ ...envelope, scope: 'changed' }, ends.bob.did))).toBe(
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    );
    expect(idOf(await ends.transport.send(envelope, ends.bob.did))).toBe('ok');
    expect(idOf(await ends.transport.send(envelope, ends.bob.did))).toBe('REPLAY_DETECTED');
    expect([ends.requests(), ends.waits]).toEqual([3, []]);
  });

  test.each([
    [400, 'SEND_FAILED', 1],
    [301, 'SEND_FAILED', 1],
    [404, 'SEND_FAILED', 1],
    [500, 'SEND_FAILED', 1],
    [429, 'SEND_FAILED', 3],
    [503, 'SEND_FAILED:UNKNOWN_OUTCOME', 3],
  ])('a plain %i is %s after %i requests', async (status, id, requests) => {
    const ends = await world(
      {},
      (_req, res) => void res.writeHead(status, { location: '/elsewhere' }).end('<html>'),
    );
    expect(idOf(await send(ends))).toBe(id);
    expect(ends.requests()).toBe(requests);
  });

  test('nobody there is SEND_FAILED with the cause, for nothing can have arrived', async () => {
    const ends = await world();
    const { port } = ends.server.address() as { port: number };
    await new Promise((resolve) => {
      ends.server.close(resolve);
      ends.server.closeAllConnections();
    });
    const error = errorOf(await send(ends));
    expect([error.id, ends.waits]).toEqual(['SEND_FAILED', [2, 3]]);
    expect(String((error.cause as { cause?: { code?: string } }).cause?.code)).toBe('ECONNREFUSED');
    expect(port).toBeGreaterThan(0);
  });

  test('waits as long as Retry-After says, within reason', async () => {
    const ends = await world({}, (_req, res, next, nth) =>
      nth === 1 ? void res.writeHead(503, { 'retry-after': '1' }).end() : next(),
    );
    const started = performance.now();
    unwrap(await send(ends));
    expect(performance.now() - started).toBeGreaterThan(900);
    const never = await world({ retries: 1 }, (_req, res, next, nth) =>
      nth === 1 ? void res.writeHead(503, { 'retry-after': '86400' }).end() : next(),
    );
    unwrap(await send(never));
  });

  test('an endless answer is cut off', async () => {
    const ends = await world({ retries: 0 }, (_req, res) => {
      res.writeHead(200);
      const pour = () => {
        while (res.write('x'.repeat(65_536)) && !res.destroyed);
      };
      res.on('drain', pour);
      pour();
    });
    expect(idOf(await send(ends))).toBe('SEND_FAILED:UNKNOWN_OUTCOME');
  });

  test('keeps its connections open', async () => {
    const ports = new Set<number>();
    const ends = await world({}, (req, _res, next) => {
      ports.add(req.socket.remotePort!);
      next();
    });
    for (let n = 0; n < 12; n++) unwrap(await send(ends, n));
    expect(ports.size).toBeLessThanOrEqual(2); // the first may still be ending when the second request begins
  });

  test.each([
    [{}, 'baseUrl'],
    [{ baseUrl: 'http://example.com' }, 'baseUrl'],
    [{ baseUrl: 'https://user:pw@example.com' }, 'baseUrl'],
    [{ baseUrl: 'https://example.com/?a=1' }, 'baseUrl'],
    [{ baseUrl: 'ftp://localhost' }, 'baseUrl'],
    [{ baseUrl: 'http://localhost.example.com' }, 'baseUrl'],
    [{ baseUrl: 'http://127.0.0.1.example.com' }, 'baseUrl'],
    [{ baseUrl: 'http://127.example.com' }, 'baseUrl'],
    [{ baseUrl: 'https://example.com', retries: 11 }, 'retries'],
    [{ baseUrl: 'https://example.com', timeout: 1 }, 'timeout'],
  ])('refuses %j', (options, field) => {
    expect(() => new HttpsTransportAdapter(options as never)).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION', field }),
    );
  });

  test.each(['https://example.com', 'http://localhost:1', 'http://127.0.0.1', 'http://[::1]:8/x'])(
    'takes %s',
    (baseUrl) => void new HttpsTransportAdapter({ baseUrl }),
  );
});

describe('handle', () => {
  const request = (body: BodyInit | null, method = 'POST') =>
    new Request('https://me.example', {
      method,
      body,
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    });

  test.each([
    ['another method', () => request(null, 'GET'), 405],
    ['no JSON', () => request('x'), 400],
    ['too much', () => request('x'.repeat(1.5 * 1024 * 1024 + 1)), 413],
    [
      'an endless stream',
      () => request(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65_536)) })),
      413,
    ],
    ['nobody to take it', () => request('{}'), 502],
  ])('answers %s', async (_, made, status) => {
    const transport = new HttpsTransportAdapter({ baseUrl: 'https://example.com' });
    expect((await transport.handle(made())).status).toBe(status);
  });

  test('[E10] refuses with a problem document that has type and title, and no hint', async () => {
    const transport = new HttpsTransportAdapter({ baseUrl: 'https://example.com' });
    const { message } = ERROR_TABLE['PARSE_FAILED:SYNTAX'];
    expect(await (await transport.handle(request('x'))).json()).toEqual({
      type: 'https://xail.io/docs/packages/xlink/errors#PARSE_FAILED:SYNTAX',
      title: message,
      status: 400,
      code: 'PARSE_FAILED',
      subCode: 'SYNTAX',
    });
  });

  test('says nothing of what a handler failed with but its id', async () => {
    const transport = new HttpsTransportAdapter({ baseUrl: 'https://example.com' });
    transport.onReceive(() => {
      throw new Error('secret-canary');
    });
    const answer = await transport.handle(request('{}'));
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('canary');
  });
});
