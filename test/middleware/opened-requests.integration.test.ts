import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import type { DualModeOptions, RequestOptions } from '@private.me/xlink';
import {
  type Call,
  headerText,
  KEY,
  listen,
  onTheWire,
  openWire,
  restOf,
  type Sent,
  sealedRequest,
  signedEnvelope,
  signedRequest,
} from '../support/http.js';
import { type Forward, STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';
import { bytesIn } from './support.js';

/** What a service behind the API gets. */
interface Forwarded {
  readonly method: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** How handlers hand a request on: by the lines as they came, or by the headers as Node reads them, as http-proxy does. */
const WAYS = {
  rawHeaders: (req: IncomingMessage) => req.rawHeaders,
  headers: (req: IncomingMessage) => ({ ...req.headers }),
  headersDistinct: (req: IncomingMessage) =>
    Object.fromEntries(Object.entries(req.headersDistinct).map(([name, lines]) => [name, lines!.join(', ')])),
};

/** A service, and a handler that forwards everything to it. */
async function upstream(headersOf: (req: IncomingMessage) => object) {
  const got: Forwarded[] = [];
  const server = createServer(async (req, res) => {
    const body = (await restOf(req)).toString();
    got.push({ method: req.method!, rawHeaders: req.rawHeaders, body });
    res.end('{"ok":true}');
  });
  const { port } = await listen(server);
  const forward: Forward = async (req, res) => {
    const headers = headersOf(req) as Record<string, string>;
    const onward = httpRequest({
      host: '127.0.0.1',
      port,
      method: req.method!,
      path: req.url!,
      headers,
      agent: false,
    });
    req.pipe(onward);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    res.statusCode = answer.statusCode!;
    res.end(await restOf(answer));
  };
  return { got, forward };
}

/** Names and values of what was forwarded, sorted, without what belongs to the connection. */
const linesOf = ({ rawHeaders }: Forwarded): string[] =>
  rawHeaders
    .flatMap((name, at) => (at % 2 === 0 ? [`${name.toLowerCase()}: ${rawHeaders[at + 1]}`] : []))
    .filter((line) => !/^(connection|host):/.test(line))
    .sort();

const PATCH = '[{"op":"test","path":"/a","value":1}]';
const BODIES: [string, string, string][] = [
  ['JSON', 'application/json', '{"item":"tea"}'],
  ['a merge patch', 'application/merge-patch+json', '{"item":null}'],
  ['a JSON patch', 'application/json-patch+json', PATCH],
  ['a form', 'application/x-www-form-urlencoded', 'a=1&a=2'],
  ['text with a charset', 'text/plain; charset="utf-8"', 'té'],
  ['bytes of no type', '', 'x'.repeat(200_000)],
  ['nothing, of a type', 'application/json', ''],
];

describe.each(STAGES.filter(({ lacks }) => lacks['raw headers'] === undefined))(
  '$name: the request behind the adapter is the one that a key caller would have made',
  (stage) => {
    const serve = (known: World, forward: Forward, options: Partial<DualModeOptions> = {}) =>
      stage.serve(known, options, { forward });

    /** Sends the same request by key and by envelope, and returns what was forwarded of each. */
    async function both(
      way: keyof typeof WAYS,
      byKey: Sent,
      make: (known: WorldWithCaller) => Promise<Sent>,
      options: Partial<DualModeOptions> = {},
    ): Promise<[Forwarded, Forwarded]> {
      const known = await World.withCaller();
      const { got, forward } = await upstream(WAYS[way]);
      const service = await serve(known, forward, options);
      const wire = await openWire(service.port);
      for (const sent of [byKey, await make(known)]) {
        await wire.write(onTheWire(sent));
        expect((await wire.answer()).status).toBe(200);
      }
      return got as [Forwarded, Forwarded];
    }

    describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('[C5] forwarded by %s', (way) => {
      test.each(BODIES)('a sealed body: %s', async (_name, contentType, text) => {
        const fields = { 'x-request-id': '7', 'if-match': '"a"' };
        const type = contentType === '' ? {} : { 'content-type': contentType };
        const draft = {
          payload: undefined,
          content: Buffer.from(text),
          ...(contentType === '' ? {} : { contentType }),
          headers: [['accept', 'application/json'], ...Object.entries(fields).sort()],
        } as Partial<RequestOptions>;
        for (const chunked of [false, true]) {
          const [byKey, byEnvelope] = await both(
            way,
            {
              method: 'PATCH',
              headers: { accept: 'application/json', ...fields, ...type, 'x-api-key': KEY },
              body: text,
            },
            async (known) => ({
              ...(await sealedRequest(
                known,
                { method: 'PATCH', headers: { accept: 'application/xlink-answer, application/json' } },
                draft,
              )),
              method: 'PATCH',
              chunked,
            }),
            { apiKey: { schemes: [] } },
          );
          expect(byEnvelope.body).toBe(byKey.body);
          expect(byEnvelope.method).toBe('PATCH');
          expect(linesOf(byEnvelope)).toEqual(linesOf(byKey).filter((line) => !line.startsWith('x-api-key')));
        }
      });

      test.each([
        ['with Content-Length', false],
        ['in chunks', true],
      ])('a body beside an envelope, %s', async (_name, chunked) => {
        const sent: Sent = {
          headers: { 'content-type': 'application/json' },
          body: '{"item":"tea"}',
          chunked,
        };
        const [byKey, byEnvelope] = await both(
          way,
          { ...sent, headers: { ...sent.headers, 'x-api-key': KEY } },
          async (known) => ({
            ...sent,
            headers: {
              ...sent.headers,
              Authorization: `Xlink ${headerText(await signedEnvelope(known, sent))}`,
            },
          }),
        );
        expect(byEnvelope.body).toBe(byKey.body);
        expect(linesOf(byEnvelope)).toEqual(linesOf(byKey).filter((line) => !line.startsWith('x-api-key')));
      });

      test('what nobody vouches for is in none of them, and neither is the envelope', async () => {
        const added = {
          'If-Match': '"stale"',
          'X-HTTP-Method-Override': 'DELETE',
          Cookie: 'admin=1',
          'Idempotency-Key': '1',
        };
        const [, byEnvelope] = await both(way, { headers: { 'x-api-key': KEY } }, async (known) => ({
          headers: { ...added, 'x-trace': 'kept', 'Xlink-Envelope': headerText(await signedEnvelope(known)) },
        }));
        expect(linesOf(byEnvelope)).toEqual(['x-trace: kept']);
      });

      test('a key beside an envelope, where the key decides: the envelope is not handed on', async () => {
        const [, beside] = await both(
          way,
          { headers: { 'x-api-key': KEY } },
          async (known) => ({
            headers: { 'x-api-key': KEY, authorization: `Xlink ${headerText(await signedEnvelope(known))}` },
          }),
          { mode: 'observe' },
        );
        expect(linesOf(beside)).toEqual([`x-api-key: ${KEY}`]);
      });
    });

    test('headers that middleware in front has read, replaced or added stay as they are', async () => {
      const known = await World.withCaller();
      const seen: object[] = [];
      const { forward } = await upstream(WAYS.headers);
      const service = await serve(known, async (req, res) => {
        const { headers, headersDistinct, rawHeaders } = req;
        seen.push({ headers, headersDistinct, rawHeaders });
        await forward(req, res);
      });
      service.server.prependListener('request', (req: IncomingMessage) => {
        req.headersDistinct; // it is made once
        req.headers['x-added'] = 'in front';
      });
      const sent = await sealedRequest(known);
      expect(
        (await service.send({ ...sent, headers: { ...sent.headers, 'x-twice': ['a', 'b'] } })).status,
      ).toBe(200);
      expect(seen[0]).toMatchObject({
        headers: { 'x-added': 'in front', 'x-twice': 'a, b', 'content-type': 'application/json' },
        headersDistinct: { 'x-twice': ['a', 'b'], 'content-type': ['application/json'] },
      });
    });
  },
);

describe.each(STAGES)('[C5] $name: handlers see what a key caller would have sent', ({ serve }) => {
  /** Without what belongs to the connection or to the key. */
  const essence = (call: Call) => {
    const { connection: _, host: __, 'x-api-key': ___, ...headers } = call.headers;
    return { method: call.method, url: call.url, headers, text: bytesIn(call).toString() };
  };

  test.each(BODIES)('a sealed body: %s', async (_name, contentType, text) => {
    const known = await World.withCaller();
    const service = await serve(known);
    const fields = { accept: 'application/json', 'x-request-id': '7' };
    const type = contentType === '' ? {} : { 'content-type': contentType };
    const sent: Sent = { method: 'PATCH', headers: { ...fields, ...type }, body: text };
    const draft = {
      payload: undefined,
      content: Buffer.from(text),
      ...(contentType === '' ? {} : { contentType }),
      headers: Object.entries(fields).sort(),
    } as Partial<RequestOptions>;
    const sealed = await sealedRequest(known, { method: 'PATCH' }, draft);
    await service.accepted({ ...sent, headers: { ...sent.headers, 'x-api-key': KEY } });
    await service.accepted({ ...sealed, method: 'PATCH' });
    await service.accepted({
      ...(await sealedRequest(known, { method: 'PATCH' }, draft)),
      method: 'PATCH',
      chunked: true,
    });
    const [byKey, ...byEnvelope] = service.calls.map(essence);
    for (const call of byEnvelope) expect(call).toEqual(byKey);
  });

  test('a body beside an envelope', async () => {
    const known = await World.withCaller();
    const service = await serve(known);
    const sent: Sent = { headers: { 'content-type': 'text/plain' }, body: 'té' };
    await service.accepted({ ...sent, headers: { ...sent.headers, 'x-api-key': KEY } });
    await service.accepted(signedRequest(known, sent));
    const [byKey, byEnvelope] = service.calls;
    expect(essence(byEnvelope!)).toEqual(essence(byKey!));
  });
});
