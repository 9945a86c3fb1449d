import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { signedSent } from '../signature/support.js';
import { ACME, json, ORDER, type Sent, sealedRequest, withKey } from '../support/http.js';
import { restOf } from '../support/responses.js';
import { STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';

const TRAILERS = { 'X-Evil': '1', Cookie: 'admin=1' };

/** Sends a request with trailers behind its body. */
async function sendTrailed(port: number, made: Sent | Promise<Sent>): Promise<number> {
  const { method = 'POST', path = '/orders', headers = {}, body = '' } = await made;
  const { 'content-length': _, 'Content-Length': __, ...others } = headers as Record<string, string>;
  const sending = request({
    port,
    host: '127.0.0.1',
    method,
    path,
    headers: { ...others, 'Transfer-Encoding': 'chunked', Trailer: 'X-Evil, Cookie' },
  });
  sending.addTrailers(TRAILERS);
  sending.end(body);
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  await restOf(response);
  return response.statusCode!;
}

const WAYS: [string, (known: WorldWithCaller) => Promise<Sent>][] = [
  ['a signature', (known) => signedSent(known, json(ORDER))],
  ['a sealed body', (known) => sealedRequest(known)],
];

/** Under serverless-http the application has a request of its own, without trailers. */
const WITH_TRAILERS = STAGES.filter(({ name }) => !name.includes('serverless'));

describe.each(WITH_TRAILERS)('$name', ({ serve }) => {
  const seenBy = async (make: (known: WorldWithCaller) => Sent | Promise<Sent>) => {
    const known = await World.withCaller();
    const service = await serve(known, { signatures: true, mode: 'hybrid' });
    const seen: IncomingMessage[] = [];
    service.server.prependListener('request', (req: IncomingMessage) => void seen.push(req));
    expect(await sendTrailed(service.port, make(known))).toBe(200);
    const [req] = seen as [IncomingMessage];
    expect(req.complete).toBe(true);
    const { trailers, trailersDistinct, rawTrailers } = req;
    return { trailers, trailersDistinct, rawTrailers, announced: service.calls[0]!.headers['trailer'] };
  };

  test.each(WAYS)(
    'trailers of a request with %s reach no handler: nobody vouches for them',
    async (_, make) => {
      expect(await seenBy(make)).toEqual({ trailers: {}, trailersDistinct: {}, rawTrailers: [] });
    },
  );

  test('those of a request with a key stay', async () => {
    expect(await seenBy(() => withKey(json(ORDER), ACME))).toMatchObject({
      trailers: { 'x-evil': '1', cookie: 'admin=1' },
      announced: 'X-Evil, Cookie',
    });
  });

  test('[E6] a sealed header with a character that HTTP has no byte for is no fault', async () => {
    const known = await World.withCaller();
    const service = await serve(known);
    const value = 'é\u{1f600}';
    const sent = await sealedRequest(known, {}, { headers: [['x-name', value]] } as never);
    const { headers } = await service.accepted(sent);
    expect([value, Buffer.from(value).toString('latin1')]).toContain(headers['x-name']);
  });
});
