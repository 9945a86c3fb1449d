import { Readable } from 'node:stream';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Agent, MemoryTrustRegistry, xlinkFetch } from '@private.me/xlink';
import express, { type Express, type Response as ExpressResponse, type Request } from 'express';
import { fetchFor, KEY, LOCAL, rejection, serveApi } from '../client/support.js';
import { reachableBytes } from '../support/heap.js';
import { until } from '../support/until.js';
import { type SessionApi, serveSessions, serveSigning } from './support.js';

import { bytes, pieces, post, Source } from './upload-support.js';

const MIB = 1024 * 1024;

/** What a handler saw of one upload. */
interface Upload {
  size: number;
  sum: number;
  end?: 'end' | 'error';
  readonly headers: Request['headers'];
  readonly body: unknown;
}

const messagesOf = (error: unknown): string[] =>
  error instanceof Error ? [error.message, ...messagesOf(error.cause)] : [];

describe('a body that is a stream', () => {
  let api: SessionApi;
  let call: ReturnType<typeof fetchFor>;
  let uploads: Upload[];

  const uploaded = (req: Request): Upload => {
    const upload: Upload = { size: 0, sum: 0, headers: req.headers, body: req.body };
    uploads.push(upload);
    return upload;
  };

  function mount(app: Express): void {
    app.post('/upload', (req, res) => {
      const upload = uploaded(req);
      req.on('data', (chunk: Buffer) => {
        upload.size += chunk.length;
        upload.sum += chunk[0]!;
      });
      req.on('end', () => {
        upload.end = 'end';
        res.status(201).json({ size: upload.size });
      });
      req.on('error', () => {
        upload.end = 'error';
      });
    });
    app.post('/back', (req, res) => {
      res.setHeader('content-type', req.headers['content-type'] ?? '');
      req.pipe(res);
    });
    app.post('/elsewhere', (req, res) => {
      req.on('end', () => res.redirect(303, '/upload')).resume();
    });
    app.post('/not-read', (_req, res) => void res.status(400).json({ error: 'no, thank you' }));
    app.post(
      '/json',
      express.json({ limit: '4mb' }),
      (req, res) => void res.json({ count: (req.body as unknown[]).length }),
    );
    app.post(
      '/raw',
      express.raw({ type: () => true, limit: '100kb' }),
      (req: Request, res: ExpressResponse) => {
        res.json({ size: (req.body as Buffer).length });
      },
    );
    app.post('/shown', (req, res) => void res.json({ body: req.body }));
  }

  beforeEach(async () => {
    uploads = [];
    api = await serveSessions(true, { clientScopes: () => ['*'] }, mount);
    call = fetchFor(api.url);
  });

  test('reaches the handler while it is still being written, sealed on the way', async () => {
    const source = new Source();
    source.write(bytes(70_000));
    const answer = call('/upload', post(source.stream));
    await until(() => uploads[0]?.size === 70_000);
    source.write(bytes(10));
    await until(() => uploads[0]?.size === 70_010);
    expect(uploads[0]!.end).toBeUndefined();
    source.end();
    expect(await (await answer).json()).toEqual({ size: 70_010 });
    expect((await answer).headers.get('xlink-sealed')).toBe('true');
    const [{ headers }] = uploads as [Upload];
    expect(headers['content-type']).toBe('video/mp4');
    expect(headers['content-length']).toBeUndefined();
    expect(headers['authorization']).toBeUndefined();
    const sent = api.seen.at(-1)!;
    expect(sent.headers['content-type']).toBe('application/xlink-session');
  });

  test('leaves no copy behind where no redirect is to be followed', async () => {
    const held: number[] = [];
    const source = pieces(800);
    const watched = source.stream.pipeThrough(
      new TransformStream({
        async transform(piece, controller) {
          if (source.asked.count % 100 === 0) held.push(await reachableBytes());
          controller.enqueue(piece);
        },
      }),
    );
    const answer = await call('/upload', post(watched, { redirect: 'error' }));
    expect(await answer.json()).toEqual({ size: 50 * MIB });
    expect(held.length).toBe(8);
    expect(Math.max(...held) - held[0]!).toBeLessThan(20 * MIB);
  });

  test('rejects with what fetch says of a redirect that is not to be followed', async () => {
    const error = await rejection(call('/elsewhere', post(pieces(4).stream, { redirect: 'error' })));
    expect(messagesOf(error)).toContain('unexpected redirect');
  });

  test('may be larger than what may be in memory, and is read no faster than its handler does', async () => {
    const { stream, asked } = pieces(800); // 50 MiB, and the limit of bodies is 1 MiB
    let release = () => {};
    const isReleased = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = await serveSessions(true, {}, (app) => {
      app.post('/slow', async (req, res) => {
        await isReleased;
        let size = 0;
        for await (const chunk of req) size += chunk.length;
        res.json({ size });
      });
    });
    const answer = fetchFor(slow.url)('/slow', post(stream));
    let [last, still] = [0, 0];
    await until(() => {
      still = asked.count > 0 && asked.count === last ? still + 1 : 0;
      last = asked.count;
      return still === 20;
    });
    expect(asked.count).toBeLessThan(500); // what the connection holds
    release();
    expect(await (await answer).json()).toEqual({ size: 50 * MIB });
  });

  test('goes both ways at once', async () => {
    const answer = await call('/back', post(pieces(40).stream));
    expect(answer.headers.get('xlink-sealed')).toBe('true');
    const back = new Uint8Array(await answer.arrayBuffer());
    expect(back.length).toBe(40 * 65_536);
    expect([back[0], back.at(-1)]).toEqual([1, 40]);
  });

  test('that ends soon is sent as any other body', async () => {
    for (const body of [new Blob(['x']).stream(), Readable.from([Buffer.from('x')])])
      expect(await (await call('/upload', post(body))).json()).toEqual({ size: 1 });
    const empty = await call('/upload', post(new Blob([]).stream()));
    expect(await empty.json()).toEqual({ size: 0 });
    expect(
      api.seen.filter(({ path }) => path === '/upload').map(({ headers }) => headers['transfer-encoding']),
    ).toEqual([undefined, undefined, undefined]);
  });

  test('of JSON is shown parsed, and kept to the limit of bodies', async () => {
    const list = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i));
    const json = { headers: { 'Content-Type': 'application/json' } };
    expect(list.length).toBeGreaterThan(65_536);
    const stream = () => new Blob([list]).stream();
    expect(await (await call('/json', post(stream(), json))).json()).toEqual({ count: 20_000 });
    expect((await (await call('/shown', post(stream(), json))).json()).body.length).toBe(20_000);
    const { cause } = await rejection(call('/json', post(pieces(40).stream, json)));
    expect((cause as { code: string }).code).toBe('BODY_TOO_LARGE');
  });

  test('too large for the parser of its route is refused by that', async () => {
    const answer = await call('/raw', post(pieces(4).stream));
    expect([answer.status, answer.headers.get('xlink-sealed')]).toEqual([413, 'true']);
    expect(await (await call('/raw', post(pieces(1, 80_000).stream))).json()).toEqual({ size: 80_000 });
  });

  test('that its handler does not read leaves its connection in order', async () => {
    for (let i = 0; i < 20; i++) {
      const answer = await call('/not-read', post(pieces(20).stream));
      expect([answer.status, await answer.json()]).toEqual([400, { error: 'no, thank you' }]);
    }
    expect(await (await call('/upload', post(pieces(2).stream))).json()).toEqual({ size: 131_072 });
  });

  test('that breaks off is never taken for whole', async () => {
    const source = new Source();
    source.write(bytes(70_000));
    const answer = call('/upload', post(source.stream));
    await until(() => uploads[0]?.size === 70_000);
    source.fail(new Error('the disk is gone'));
    await expect(answer).rejects.toThrow();
    await until(() => uploads[0]!.end !== undefined);
    expect(uploads[0]!.end).toBe('error');
    expect(await (await call('/upload', post(bytes(10)))).json()).toEqual({ size: 10 });
  });

  test('is let go of where the call is aborted', async () => {
    const aborted = new Source();
    const abort = new AbortController();
    aborted.write(bytes(70_000));
    const answer = call('/upload', post(aborted.stream, { signal: abort.signal }));
    await until(() => uploads[0]?.size === 70_000);
    abort.abort(new Error('not any more'));
    await expect(answer).rejects.toThrow('not any more');
    await until(() => aborted.cancelled !== undefined);
    await until(() => uploads[0]!.end === 'error');
  });

  test('is let go of where the call is refused before it is sent', async () => {
    const refused = new Source();
    refused.write(bytes(70_000));
    const elsewhere = xlinkFetch({ ...LOCAL, timeoutMs: 1000 })(
      'http://127.0.0.1:9/upload',
      post(refused.stream),
    );
    expect((await rejection(elsewhere)).id).toBe('DISCOVERY_FAILED');
    await until(() => refused.cancelled !== undefined);
  });

  test('in a session that is over says so, and the next one works', async () => {
    await call('/upload', post(pieces(2).stream));
    const other = await serveSessions(true, { agent: api.agent, clientScopes: () => ['*'] }, mount);
    const { origin } = new URL(api.url);
    const moved: typeof fetch = (input, init) => {
      const { href } = new URL(input instanceof globalThis.Request ? input.url : input);
      return fetch(href.replace(origin, isMoved ? other.url : origin), init);
    };
    let isMoved = false;
    const mover = fetchFor(api.url, { fetch: moved });
    await mover('/upload', post(pieces(2).stream));
    isMoved = true;
    const error = await rejection(mover('/upload', post(pieces(2).stream)));
    expect([error.id, (error.cause as { code: string }).code]).toEqual([
      'SESSION_OUTCOME_UNKNOWN',
      'SESSION_UNKNOWN',
    ]);
  });

  test('goes under an envelope where there are no sessions, and as it is by key', async () => {
    const plain = await serveApi({}, mount);
    const answer = await fetchFor(plain.url)('/upload', post(pieces(4).stream));
    expect([answer.headers.get('xlink-sealed'), await answer.json()]).toEqual(['true', { size: 262_144 }]);
    const tooLong = await rejection(fetchFor(plain.url)('/upload', post(pieces(300).stream)));
    expect(tooLong.id).toBe('REQUEST_BODY_UNSUPPORTED');

    const keyed = await serveApi({ mode: 'observe' }, mount);
    const source = new Source();
    source.write(bytes(70_000));
    const before = uploads.length;
    const byKey = fetchFor(keyed.url, { apiKey: KEY })('/upload', post(source.stream));
    await until(() => uploads[before]?.size === 70_000);
    source.end();
    expect(await (await byKey).json()).toEqual({ size: 70_000 });
  });

  test('is signed for afterwards, where the service asks for that; where it compares, it sees all of it first', async () => {
    for (const compare of [false, true]) {
      const signing = await serveSigning({ requests: 8, compare }, {}, { clientScopes: () => ['*'] }, mount);
      const signed = fetchFor(signing.url);
      for (let i = 0; i < 3; i++)
        expect((await (await signed('/upload', post(pieces(3).stream))).json()).size).toBe(196_608);
      await signed.settle();
      expect(signing.kept.map(({ from, to }) => [from, to])).toEqual([[0, 3]]);
    }
  });

  test('is refused where its scope is not granted, and the stream is let go of', async () => {
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ name: 'orders', registry, receiveScopes: ['read'] });
    const narrow = await serveSessions(true, { agent }, mount);
    const caller = fetchFor(narrow.url, { scope: 'write' });
    const source = new Source();
    source.write(bytes(70_000));
    const answer = caller('/upload', post(source.stream)).then(
      ({ status }) => status,
      (error) => error.cause?.code ?? error.code,
    );
    expect(await answer).toBe('SCOPE_DENIED');
    expect(uploads).toEqual([]);
    await until(() => source.cancelled !== undefined);
  });
});

test('where a service has gone back to keys, a stream that was sealed goes by key', async () => {
  const api = await serveApi({}, (app) => {
    app.post('/upload', async (req, res) => {
      let size = 0;
      for await (const chunk of req) size += chunk.length;
      res.json({ size });
    });
  });
  const call = fetchFor(api.url);
  expect(await (await call('/upload', post(pieces(2).stream))).json()).toEqual({ size: 131_072 });
  await api.adapter.setMode('observe');
  const answer = await call('/upload', post(pieces(2).stream));
  expect([answer.status, await answer.json()]).toEqual([200, { size: 131_072 }]);
  expect(api.adapter.getMetrics().apiKeyRequests).toBe(1);
});
