import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from '@jest/globals';
import type { Version } from '@private.me/xlink';
import type { ErrorRequestHandler } from 'express';
import { FRAMEWORKS, type Mounted } from '../support/express.js';
import {
  bodyForm,
  json,
  ORDER,
  restOf,
  sealedEnvelope,
  sealedRequest,
  signedRequest,
  withKey,
} from '../support/http.js';
import { STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';
import { jsonTextOf } from './support.js';

const ORDER_TEXT = JSON.stringify(ORDER);

describe.each(STAGES)('$name', ({ serve }) => {
  describe('a sealed body', () => {
    test.each([1, 2, 3] as Version[])(
      'of version %d reaches the handler as the JSON that was sealed',
      async (version) => {
        const known = await World.withCaller({ maxVersion: 3 }, { maxVersion: version });
        const service = await serve(known);
        const envelope = await sealedEnvelope(known, {}, { scope: 'orders:write' });
        const answer = await service.send(bodyForm(envelope));

        expect(answer.status).toBe(200);
        const identity = { scope: 'orders:write', version, encrypted: true, timestamp: envelope.timestamp };
        const scopes = ['orders:write'];
        const auth = {
          mode: 'xlink',
          form: 'envelope',
          did: known.caller.did,
          envelopeId: envelope.nonce,
          scopes,
          signedHeaders: [],
          ...identity,
        };
        const { body, stream, ...call } = service.calls[0]!;
        expect(jsonTextOf({ body, stream })).toBe(ORDER_TEXT);
        expect([call]).toEqual([
          {
            method: 'POST',
            url: '/orders',
            headers: expect.objectContaining({
              'content-type': 'application/json',
              'content-length': String(ORDER_TEXT.length),
            }),
            auth,
            authOf: auth,
            message: {
              sender: known.caller.did,
              payload: ORDER,
              envelopeId: envelope.nonce,
              request: 'POST /orders',
              kind: 'request',
              contentType: 'application/json',
              headers: [],
              scopes,
              ...identity,
            },
          },
        ]);
      },
    );

    test('may come chunked', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const answer = await service.send({ ...(await sealedRequest(known)), chunked: true });
      expect(answer.status).toBe(200);
      expect(jsonTextOf(service.calls[0]!)).toBe(ORDER_TEXT);
      expect(service.calls[0]!.headers).not.toHaveProperty('transfer-encoding');
    });

    test('may name its media type in capitals and with parameters', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const headers = { 'content-type': 'Application/XLink-Envelope ; charset=utf-8' };
      expect((await service.send(await sealedRequest(known, { headers }))).status).toBe(200);
      expect(service.calls[0]!.headers['content-type']).toBe('application/json');
    });

    test('that is signed only is taken where allowCleartext says so', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { allowCleartext: true });
      const sent = await sealedRequest(known, {}, { signedOnly: true });
      expect((await service.send(sent)).status).toBe(200);
      expect(jsonTextOf(service.calls[0]!)).toBe(ORDER_TEXT);
      expect(service.calls[0]).toMatchObject({ auth: { mode: 'xlink', encrypted: false } });
    });

    test('that is signed only is refused otherwise', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const sent = await sealedRequest(known, {}, { signedOnly: true });
      await service.refused(sent, '400 CLEARTEXT_NOT_ALLOWED');
    });

    test('without a payload is refused even where cleartext is allowed', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { allowCleartext: true });
      const sent = await sealedRequest(known, {}, { signedOnly: true, payload: undefined });
      await service.refused(sent, '400 PARSE_FAILED:MISSING_FIELD');
    });

    test.each([null, false, 0, '', [1, 'two'], { '': {} }])('of %j arrives as that', async (payload) => {
      const known = await World.withCaller();
      const service = await serve(known);
      expect((await service.send(await sealedRequest(known, {}, { payload }))).status).toBe(200);
      expect(jsonTextOf(service.calls[0]!)).toBe(JSON.stringify(payload));
    });

    test('is bound to a target with characters outside ASCII as it is on the wire', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const path = '/orders/t%C3%A9?q=%22a%20b%22&x=1';
      expect((await service.send(await sealedRequest(known, { path }))).status).toBe(200);
      expect(service.calls[0]!.url).toBe(path);
    });
  });
});

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('handlers that read the request themselves', () => {
    const reading = (read: (req: IncomingMessage) => Promise<Buffer>) => async () => {
      const known = await World.withCaller();
      const found: Buffer[] = [];
      const service = await known.serve({
        express,
        mount({ app, adapter, handler }: Mounted) {
          app.use(adapter.middleware());
          app.post('/orders', async (req, _res, next) => {
            found.push(await read(req));
            next();
          });
          app.use(handler);
        },
      });
      const big = { item: 'x'.repeat(300_000) };
      for (const sent of [
        await sealedRequest(known, {}, { payload: big }),
        await signedRequest(known, json(big)),
        withKey(json(big)),
      ]) {
        expect((await service.send(sent)).status).toBe(200);
      }
      expect(found.map((bytes) => bytes.toString())).toEqual(Array(3).fill(JSON.stringify(big)));
    };

    test('with for await see the opened JSON', reading(restOf));

    test(
      'with data and end see the opened JSON',
      reading(async (req) => {
        const chunks: Buffer[] = [];
        req.on('data', (chunk: Buffer) => chunks.push(chunk));
        await once(req, 'end');
        return Buffer.concat(chunks);
      }),
    );

    test(
      'with readable and read() see the opened JSON',
      reading(async (req) => {
        const chunks: Buffer[] = [];
        req.on('readable', () => {
          for (let chunk = req.read(); chunk !== null; chunk = req.read()) chunks.push(chunk);
        });
        await once(req, 'end');
        return Buffer.concat(chunks);
      }),
    );

    test(
      'by piping it on see the opened JSON',
      reading(async (req) => {
        const chunks: Buffer[] = [];
        const sink = new Writable({
          write(chunk, _encoding, done) {
            chunks.push(chunk);
            done();
          },
        });
        await pipeline(req.pipe(new PassThrough()), sink);
        return Buffer.concat(chunks);
      }),
    );

    test(
      'later, after other work, see the opened JSON',
      reading(async (req) => {
        await new Promise((resolve) => setImmediate(resolve));
        return restOf(req);
      }),
    );
  });

  describe('a body parser behind treats the opened JSON as that of a key caller', () => {
    const rows: [string, Parameters<typeof express.json>[0], unknown, number][] = [
      ['takes what is below its limit', { limit: 1024 }, { item: 'x'.repeat(500) }, 200],
      ['refuses what is above its limit', { limit: 1024 }, { item: 'x'.repeat(2000) }, 413],
      ['refuses a bare text while strict', {}, 'tea', 400],
      ['takes a bare text when not strict', { strict: false }, 'tea', 200],
      [
        'applies its reviver',
        { reviver: (key: string, value: unknown) => (key === 'item' ? 'revived' : value) },
        ORDER,
        200,
      ],
    ];
    test.each(rows)('%s', async (_, options, payload, status) => {
      const known = await World.withCaller();
      const failures: unknown[] = [];
      const service = await known.serve({
        express,
        mount({ app, adapter, handler }) {
          app.use(adapter.middleware(), express.json(options), handler);
          const onError: ErrorRequestHandler = (error, _req, res, _next) => {
            failures.push(error.type);
            res.status(error.status).end();
          };
          app.use(onError);
        },
      });
      const byKey = await service.send(withKey(json(payload)));
      const byEnvelope = await service.send(await sealedRequest(known, {}, { payload }));
      const beside = await service.send(await signedRequest(known, json(payload)));
      expect([byKey.status, byEnvelope.status, beside.status]).toEqual([status, status, status]);
      expect(new Set(failures).size).toBe(status === 200 ? 0 : 1);
      const [seenByKey, seenByEnvelope, seenBeside] = service.calls.map(({ body }) => body);
      expect([seenByEnvelope, seenBeside]).toEqual([seenByKey, seenByKey]);
    });

    test('verify() gets the opened bytes', async () => {
      const known = await World.withCaller();
      const verified: string[] = [];
      const service = await known.serve({
        express,
        mount({ app, adapter, handler }) {
          const verify = (_req: unknown, _res: unknown, bytes: Buffer) =>
            void verified.push(bytes.toString());
          app.use(adapter.middleware(), express.json({ verify }), handler);
        },
      });
      await service.send(await sealedRequest(known));
      expect(verified).toEqual([ORDER_TEXT]);
    });

    test('a rawBody that a parser in front left is replaced too', async () => {
      const known = await World.withCaller();
      const rawBodies: unknown[] = [];
      const service = await known.serve({
        express,
        mount({ app, adapter, handler }) {
          const verify = (req: object, _res: unknown, bytes: Buffer) =>
            void Object.assign(req, { rawBody: bytes });
          app.use(express.json({ type: '*/*', verify }), adapter.middleware());
          app.use((req, _res, next) => {
            rawBodies.push(Buffer.from(Reflect.get(req, 'rawBody')).toString());
            next();
          }, handler);
        },
      });
      expect((await service.send(await sealedRequest(known))).status).toBe(200);
      expect((await service.send(await signedRequest(known, json(ORDER)))).status).toBe(200);
      expect(rawBodies).toEqual([ORDER_TEXT, ORDER_TEXT]);
      expect(service.calls.map(({ body }) => body)).toEqual([ORDER, ORDER]);
    });
  });
});
