import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { authOf, DualModeAdapter, type NodeRequest, type NodeResponse } from '@private.me/xlink';
import { json, KEY, ORDER, restOf, type Sent, sealedRequest, signedRequest } from '../support/http.js';
import { World, type WorldWithCaller } from '../support/world.js';

const open: { server: Http2Server; session: ClientHttp2Session }[] = [];

afterEach(async () => {
  for (const { server, session } of open.splice(0)) {
    session.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** The middleware on Node's HTTP/2 server, which shows requests as HTTP/1 ones. Answers with what the handler saw. */
async function serveHttp2({ api }: WorldWithCaller) {
  const adapter = new DualModeAdapter({
    agent: api,
    mode: 'hybrid',
    legacyKeyValidator: (key) => (key === KEY ? { userId: 'u1' } : null),
  });
  const authenticate = adapter.middleware();
  const server = createServer((req, res) =>
    authenticate(req as unknown as NodeRequest, res as unknown as NodeResponse, async () => {
      const stream = await restOf(req as never);
      res.end(JSON.stringify({ mode: authOf(req)?.mode, stream: stream.toString('latin1') }));
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  open.push({ server, session });
  return async ({ method = 'GET', path = '/orders', headers = {}, body }: Sent) => {
    const stream = session.request(
      { ':method': method, ':path': path, ...headers },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    const [answer] = await once(stream, 'response');
    let text = '';
    for await (const chunk of stream) text += chunk;
    return { status: answer[':status'], ...JSON.parse(text) };
  };
}

describe("over Node's HTTP/2 server, where a body needs no Content-Length", () => {
  const post = json(ORDER, { method: 'POST' });

  test('a key, a sealed body, and an envelope with and without a body beside it are taken', async () => {
    const known = await World.withCaller();
    const send = await serveHttp2(known);
    const stream = JSON.stringify(ORDER);
    expect(await send({ ...post, headers: { 'x-api-key': KEY } })).toEqual({
      status: 200,
      mode: 'api-key',
      stream,
    });
    expect(await send(await sealedRequest(known, { method: 'POST' }))).toEqual({
      status: 200,
      mode: 'xlink',
      stream,
    });
    expect(await send(await signedRequest(known, post))).toEqual({ status: 200, mode: 'xlink', stream });
    expect(await send(await signedRequest(known))).toEqual({ status: 200, mode: 'xlink', stream: '' });
    const big = { method: 'POST', body: 'x'.repeat(400_000) };
    expect(await send(await signedRequest(known, big))).toEqual({
      status: 200,
      mode: 'xlink',
      stream: big.body,
    });
  });

  test('a body that the envelope does not cover is refused', async () => {
    const known = await World.withCaller();
    const send = await serveHttp2(known);
    const { headers } = await signedRequest(known, { method: 'POST' });
    expect(await send({ method: 'POST', headers: headers!, body: 'uncovered' })).toMatchObject({
      status: 400,
      code: 'CONTENT_DIGEST_MISSING',
    });
    expect(await send({ ...(await signedRequest(known, post)), body: '{}' })).toMatchObject({
      status: 401,
      code: 'CONTENT_DIGEST_MISMATCH',
    });
  });
});
