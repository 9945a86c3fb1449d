import { once } from 'node:events';
import { createServer, request as requestOverHttp } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, MemoryClientStore } from '@private.me/xlink';
import express, { type Express } from 'express';
import { FRAME, framesIn } from '../../src/http/answer-frames.js';
import { fetchFor, KEY, postJson, rejection } from '../client/support.js';
import { listen } from '../support/listen.js';
import { until } from '../support/until.js';
import { serveSessions, serveSigning } from './support.js';

import { bytes, pieces, post, Source } from './upload-support.js';

describe('what stands in front', () => {
  const inFront: [string, (app: Express) => void][] = [
    ['takes its time', (app) => void app.use((_req, _res, next) => void setTimeout(next, 50))],
    ['waits for a turn', (app) => void app.use((_req, _res, next) => void setImmediate(next))],
  ];

  test.each(inFront)('and %s changes nothing', async (_, front) => {
    const agent = await Agent.quickstart({ name: 'orders' });
    const adapter = new DualModeAdapter({
      agent,
      mode: 'hybrid',
      clients: new MemoryClientStore(),
      legacyKeyValidator: (key) => (key === KEY ? { customerId: 'acme' } : null),
      sessions: true,
    });
    const app = express();
    front(app);
    app.use(adapter.middleware());
    app.post('/upload', async (req, res) => {
      let size = 0;
      for await (const chunk of req) size += chunk.length;
      res.json({ size });
    });
    const { url } = await listen(app);
    const call = fetchFor(url);
    for (const count of [2, 6, 14])
      expect(await (await call('/upload', post(pieces(count).stream))).json()).toEqual({
        size: count * 65_536,
      });
  });
});

test('who reads in front, before the adapter can, gets no foreign bytes into what a handler reads', async () => {
  const agent = await Agent.quickstart({ name: 'orders' });
  const adapter = new DualModeAdapter({
    agent,
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    legacyKeyValidator: (key) => (key === KEY ? { customerId: 'acme' } : null),
    sessions: true,
  });
  const app = express();
  app.use(async (req, _res, next) => {
    await Promise.resolve();
    req.on('data', () => {});
    next();
  });
  app.use(adapter.middleware());
  app.post('/upload', async (req, res) => {
    const got: Buffer[] = [];
    for await (const chunk of req) got.push(chunk);
    res.json({ got: Buffer.concat(got).every((byte) => byte > 0 && byte < 7) });
  });
  const { url } = await listen(app);
  expect(await (await fetchFor(url)('/upload', post(pieces(6).stream))).json()).toEqual({ got: true });
});

describe('a fetch of its own', () => {
  test('that goes on sending after a call was given up gets no end of the body', async () => {
    const api = await serveSessions(true, { clientScopes: () => ['*'] });
    const sent: Uint8Array[] = [];
    let outcome: unknown;
    const duplex: typeof fetch = async (input, init) => {
      if (!String(input).endsWith('/upload')) return fetch(input, init);
      const drain = async () => {
        for await (const piece of init!.body as unknown as AsyncIterable<Uint8Array>) sent.push(piece);
      };
      drain().then(
        () => (outcome = 'end'),
        () => (outcome = 'error'),
      );
      await until(() => sent.length >= 2);
      return new Response(null, { status: 204 }); // nobody signed it
    };
    const source = new Source();
    source.write(bytes(70_000));
    const call = fetchFor(api.url, { fetch: duplex })('/upload', post(source.stream));
    expect((await rejection(call)).id).toBe('ANSWER_INVALID:NOT_SEALED');
    await until(() => outcome !== undefined);
    expect(outcome).toBe('error');
    expect(framesIn(Buffer.concat(sent))!.map(({ type }) => type)).not.toContain(FRAME.finalChunk);
  });

  test('that fails before it sends anything keeps nothing from being signed', async () => {
    const api = await serveSigning({ requests: 8 }, {}, { clientScopes: () => ['*'] });
    let fails = false;
    const failing: typeof fetch = (input, init) =>
      fails && String(input).endsWith('/upload')
        ? Promise.reject(new TypeError('fetch failed'))
        : fetch(input, init);
    const call = fetchFor(api.url, { fetch: failing });
    for (let i = 0; i < 3; i++) await call('/form', postJson({ i }));
    fails = true;
    await expect(call('/upload', post(pieces(3).stream))).rejects.toThrow('fetch failed');
    fails = false;
    const forms = [];
    for (let i = 0; i < 12; i++) forms.push((await (await call('/form', postJson({ i }))).json()).form);
    expect(forms.slice(-6)).toEqual(Array(6).fill('session'));
    await call.settle();
  });

  test('holds up no other calls while it sends', async () => {
    const api = await serveSessions(true, { clientScopes: () => ['*'] }, (app) => {
      app.post('/upload', async (req, res) => {
        let size = 0;
        for await (const chunk of req) size += chunk.length;
        res.json({ size });
      });
    });
    const call = fetchFor(api.url, { maxConcurrentCalls: 1 });
    const source = new Source();
    source.write(bytes(70_000));
    const long = call('/upload', post(source.stream));
    await until(() => api.handled.includes('POST /upload'));
    expect((await (await call('/form', postJson({}))).json()).form).toBe('session');
    source.end();
    expect(await (await long).json()).toEqual({ size: 70_000 });
  });
});

describe('on the way', () => {
  /** Between a caller and its service: changes what is sent, byte by byte as it comes. */
  async function between(url: string, change: (chunk: Buffer, at: number) => Buffer | 'end') {
    const { port } = new URL(url);
    const server = createServer((req, res) => {
      const upstream = requestOverHttp(
        {
          port,
          host: '127.0.0.1',
          method: req.method!,
          path: req.url!,
          headers: { ...req.headers, host: `127.0.0.1:${port}` },
        },
        (answer) => {
          res.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(res);
        },
      );
      upstream.on('error', () => res.destroy());
      let at = 0;
      const isUpload = req.headers['transfer-encoding'] !== undefined && req.url === '/upload';
      req.on('data', (chunk: Buffer) => {
        const changed = isUpload ? change(chunk, at) : chunk;
        at += chunk.length;
        if (changed === 'end') upstream.end();
        else upstream.write(changed);
      });
      req.on('end', () => upstream.end());
    });
    return (await listen(server as never)).url;
  }

  test.each([
    [
      'a flipped bit',
      (chunk: Buffer, at: number) => (at > 100_000 ? Buffer.from(chunk.map((byte) => byte ^ 1)) : chunk),
    ],
    ['an early end', (chunk: Buffer, at: number) => (at > 150_000 ? ('end' as const) : chunk)],
  ])('%s is an error to who reads, and never an end', async (_, change) => {
    const seen: string[] = [];
    const api = await serveSessions(true, { clientScopes: () => ['*'] }, (app) => {
      app.post('/upload', (req, res) => {
        req.on('data', () => {});
        req.on('end', () => {
          seen.push('end');
          res.json({});
        });
        req.on('error', () => seen.push('error'));
      });
    });
    const url = await between(api.url, change);
    const through: typeof fetch = (input, init) =>
      fetch(String(input).endsWith('/upload') ? `${url}/upload` : input, init);
    await fetchFor(api.url, { fetch: through })('/upload', post(pieces(10).stream)).catch(() => {});
    await until(() => seen.length > 0);
    expect(seen).toEqual(['error']);
  });

  test('a body in pieces of any size, headers and body together, is opened all the same', async () => {
    const api = await serveSessions(true, { clientScopes: () => ['*'] }, (app) => {
      app.use(async (_req, _res, next) => {
        await new Promise((resolve) => setImmediate(resolve));
        next();
      });
      app.post('/upload', async (req, res) => {
        let size = 0;
        for await (const chunk of req) size += chunk.length;
        res.json({ size });
      });
    });
    const { port } = new URL(api.url);
    const server = createServer(() => {});
    server.removeAllListeners('connection');
    const sockets: Socket[] = [];
    server.on('connection', (client) => {
      const upstream = connect(Number(port), '127.0.0.1');
      sockets.push(client, upstream);
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
      upstream.pipe(client);
      const held: Buffer[] = [];
      client.on('data', (chunk: Buffer) => {
        held.push(chunk);
        setImmediate(() => {
          const all = Buffer.concat(held.splice(0));
          for (let at = 0; at < all.length; at += 999) upstream.write(all.subarray(at, at + 999));
        });
      });
      client.on('end', () => upstream.end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const call = fetchFor(url);
    for (let i = 0; i < 3; i++)
      expect(await (await call('/upload', post(pieces(5).stream))).json()).toEqual({ size: 327_680 });
    expect((await (await call('/form', postJson({ a: 1 }))).json()).form).toBe('session');
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

test('a stream of many small pieces gets through also where all of it is read before its handler is asked', async () => {
  const api = await serveSessions(true, { clientScopes: () => ['*'] }, (app) => {
    app.post('/upload', async (req, res) => {
      let size = 0;
      for await (const chunk of req) size += chunk.length;
      res.json({ size });
    });
  });
  const collecting = createServer((req, res) => {
    const held: Buffer[] = [];
    req.on('data', (chunk: Buffer) => held.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(held);
      const { 'transfer-encoding': _, ...headers } = req.headers;
      const upstream = requestOverHttp(
        api.url + req.url,
        { method: req.method!, headers: { ...headers, 'content-length': body.length } },
        (answer) => {
          res.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(res);
        },
      );
      upstream.end(body);
    });
  });
  const { url } = await listen(collecting);
  const through: typeof fetch = (input, init) =>
    fetch(String(input).endsWith('/upload') ? `${url}/upload` : input, init);
  const call = fetchFor(api.url, { fetch: through });
  const source = new Source();
  const answer = call('/upload', post(source.stream));
  for (let i = 0; i < 40; i++) {
    source.write(bytes(100));
    const pulled = source.pulled;
    await until(() => source.pulled > pulled || i < 2);
    await new Promise((resolve) => setTimeout(resolve, 30)); // each is a piece of its own
  }
  source.end();
  expect(await (await answer).json()).toEqual({ size: 4000 });
});

test('a JSON stream that begins slowly is dated when it goes out', async () => {
  const windowMs = 1000;
  const agent = await Agent.quickstart({ name: 'orders', timestampWindowMs: windowMs });
  const api = await serveSessions(true, { agent, clientScopes: () => ['*'] }, (app) => {
    app.post(
      '/list',
      express.json({ limit: '1mb' }),
      (req, res) => void res.json({ count: (req.body as unknown[]).length }),
    );
  });
  const source = new Source();
  source.write(new TextEncoder().encode('['));
  const headers = { 'Content-Type': 'application/json' };
  const answer = fetchFor(api.url)('/list', post(source.stream, { headers }));
  await new Promise((resolve) => setTimeout(resolve, windowMs + 500));
  source.write(new TextEncoder().encode('1,2]'));
  source.end();
  expect(await (await answer).json()).toEqual({ count: 2 });
});

test('an upload that was recorded is good once, at its own place, and from its beginning', async () => {
  const handled: string[] = [];
  const api = await serveSessions(true, { clientScopes: () => ['*'] }, (app) => {
    for (const path of ['/upload', '/elsewhere'])
      app.post(path, async (req, res) => {
        handled.push(path);
        let size = 0;
        for await (const chunk of req) size += chunk.length;
        res.json({ size });
      });
  });
  let recorded: { headers: Headers; body: Uint8Array } | undefined;
  const record: typeof fetch = async (input, init) => {
    if (!String(input).endsWith('/upload')) return fetch(input, init);
    const body = new Uint8Array(await new Response(init!.body).arrayBuffer());
    recorded = { headers: new Headers(init!.headers), body };
    throw new TypeError('it never arrived');
  };
  const call = fetchFor(api.url, { fetch: record });
  await call('/form');
  await expect(call('/upload', post(pieces(3).stream))).rejects.toThrow('it never arrived');
  const { headers, body } = recorded!;
  headers.delete('accept'); // so that refusals can be read
  const send = async (path: string, sent: Uint8Array = body) => {
    const stream = new Blob([new Uint8Array(sent)]).stream(); // as it comes, as the caller would have sent it
    const answer = await fetch(api.url + path, {
      method: 'POST',
      headers,
      body: stream,
      duplex: 'half',
    } as RequestInit);
    const { code, size } = (await answer.json()) as { code?: string; size?: number };
    return code ?? size;
  };
  const garbage = new Uint8Array(200_000).fill(9);
  expect(await send('/elsewhere')).toBe('SESSION_AUTHENTICATION_FAILED');
  expect(await send('/upload', garbage)).toBe('SESSION_MALFORMED');
  expect(await send('/upload', body.subarray(65_700))).toBe('SESSION_MALFORMED');
  expect(handled).toEqual([]);
  const times = await Promise.all(Array.from({ length: 8 }, () => send('/upload')));
  expect(times.filter((one) => one === 196_608)).toHaveLength(1);
  expect(times.filter((one) => one === 'REPLAY_DETECTED')).toHaveLength(7);
  expect(handled).toEqual(['/upload']);
});
