import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  DualModeAdapter,
  MemoryTrustRegistry,
  type NodeRequest,
  type NodeResponse,
  xlinkFetch,
} from '@private.me/xlink';
import { LOCAL } from '../client/support.js';
import { STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';

/** Pieces that tell where they are from. */
const piecesOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => Buffer.alloc(50_000, i % 251));

const upload = (pieces: readonly Uint8Array[]): RequestInit =>
  ({
    method: 'POST',
    body: new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    }),
    duplex: 'half',
    headers: { 'Content-Type': 'application/octet-stream' },
  }) as RequestInit;

describe.each(STAGES)('with $name', (stage) => {
  test('a handler gets the bytes of a stream, and its type', async () => {
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ name: 'api', registry });
    const caller = await Agent.quickstart({ name: 'camera', registry });
    const service = await stage.serve(new World(), {
      agent,
      mode: 'hybrid',
      sessions: true,
      maxBodyBytes: 8 * 1024 * 1024,
    });
    const call = xlinkFetch({ ...LOCAL, baseUrl: `http://127.0.0.1:${service.port}`, agent: caller });
    for (const count of [3, 40]) {
      const pieces = piecesOf(count);
      const answer = await call('/orders', upload(pieces));
      expect(answer.headers.get('xlink-sealed')).toBe('true');
      const { headers, stream, body, auth } = service.calls.at(-1)!;
      const got = stream.length > 0 ? stream : (body as Buffer);
      expect(Buffer.compare(got, Buffer.concat(pieces))).toBe(0);
      expect(headers['content-type']).toBe('application/octet-stream');
      expect(auth).toMatchObject({ form: 'session', encrypted: true });
    }
  });

  test('one that no handler reads leaves its connection in order', async () => {
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ name: 'api', registry });
    const caller = await Agent.quickstart({ name: 'camera', registry });
    const options = { agent, mode: 'hybrid', sessions: true, maxBodyBytes: 8 * 1024 * 1024 } as const;
    const service = await stage.serve(new World(), options);
    const call = xlinkFetch({ ...LOCAL, baseUrl: `http://127.0.0.1:${service.port}`, agent: caller });
    for (let i = 0; i < 5; i++) {
      const answer = await call('/unread', upload(piecesOf(40)));
      await answer.arrayBuffer();
      expect(answer.headers.get('xlink-sealed')).toBe('true');
    }
    const after = await call('/orders', upload(piecesOf(3)));
    expect(after.status).toBe(200);
  });
});

const open: { server: Http2Server; session: ClientHttp2Session }[] = [];

afterEach(async () => {
  for (const { server, session } of open.splice(0)) {
    session.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** `fetch` over one connection of HTTP/2. */
const fetchOver = (session: () => ClientHttp2Session): typeof fetch =>
  async function fetchHttp2(input, init = {}) {
    const url = new URL(String(input));
    const { method = 'GET', body } = init;
    const stream = session().request(
      {
        ':method': method,
        ':path': url.pathname + url.search,
        ...Object.fromEntries(new Headers(init.headers)),
      },
      { endStream: body === undefined || body === null },
    );
    if (body) void writeAll(stream, new Response(body as BodyInit).body!);
    const [answer] = await once(stream, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const named = Object.entries(answer).filter(([name]) => !name.startsWith(':')) as [string, string][];
    return new Response(Buffer.concat(chunks), { status: answer[':status'], headers: named });
  };

async function writeAll(stream: ReturnType<ClientHttp2Session['request']>, body: ReadableStream<Uint8Array>) {
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>)
    if (!stream.write(piece)) await once(stream, 'drain');
  stream.end();
}

describe("over Node's HTTP/2 server", () => {
  test('a stream is read whole, and kept to the limit of bodies', async () => {
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ name: 'videos', registry });
    const adapter = new DualModeAdapter({
      agent,
      mode: 'hybrid',
      legacyKeyValidator: () => null,
      sessions: true,
    });
    const authenticate = adapter.middleware();
    let size = 0;
    const server = createServer((req, res) =>
      authenticate(req as unknown as NodeRequest, res as unknown as NodeResponse, async () => {
        size = 0;
        for await (const chunk of req) size += chunk.length;
        res.end(JSON.stringify({ size }));
      }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const session = connect(url);
    open.push({ server, session });
    const caller = await Agent.quickstart({ name: 'camera', registry });
    const call = xlinkFetch({ ...LOCAL, baseUrl: url, agent: caller, fetch: fetchOver(() => session) });

    const pieces = piecesOf(10);
    expect(await (await call('/videos', upload(pieces))).json()).toEqual({ size: 500_000 });
    const large = call('/videos', upload(piecesOf(40))); // the limit of bodies is 1 MiB
    await expect(large).rejects.toMatchObject({ cause: { code: 'BODY_TOO_LARGE' } });
  });
});
