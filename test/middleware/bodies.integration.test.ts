import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { ErrorRequestHandler } from 'express';
import type { BaseAgent } from '../../src/agent/agent.js';
import type { Version } from '../../src/types/protocol.js';
import {
  bodyForm,
  CANARY,
  expectNoSecrets,
  expectRefusal,
  expectRefused,
  FRAMEWORKS,
  headerForm,
  json,
  KEY,
  type Mounted,
  ORDER,
  onTheWire,
  openWire,
  parties,
  type RefusalText,
  restOf,
  type Sent,
  sealedEnvelope,
  sealedRequest,
  serve,
  signedEnvelope,
  signedRequest,
  withKey,
} from './support.js';

const MIB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };
const ORDER_TEXT = JSON.stringify(ORDER);

/** Bytes that are not text and that repeat nowhere near a chunk border. */
const binaryOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255));

/** A middleware that takes its time, as one that asks a database does. */
const unhurried = (_req: unknown, _res: unknown, next: () => void) =>
  void setImmediate(() => setImmediate(next));

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('a sealed body', () => {
    test.each([1, 2, 3] as Version[])(
      'of version %d reaches the handler as the JSON that was sealed',
      async (version) => {
        const known = await parties({ maxVersion: 3 }, { maxVersion: version });
        const service = await serve({ express, api: known.api });
        const envelope = await sealedEnvelope(known, {}, { scope: 'orders:write' });
        const answer = await service.send(bodyForm(envelope));

        expect(answer.status).toBe(200);
        const identity = { scope: 'orders:write', version, encrypted: true, timestamp: envelope.timestamp };
        const auth = { mode: 'xlink', did: known.caller.did, envelopeId: envelope.nonce, ...identity };
        expect(service.calls).toEqual([
          {
            method: 'POST',
            url: '/orders',
            headers: expect.objectContaining({
              'content-type': 'application/json',
              'content-length': String(ORDER_TEXT.length),
            }),
            body: ORDER,
            stream: Buffer.from(ORDER_TEXT),
            auth,
            authOf: auth,
            message: {
              sender: known.caller.did,
              payload: ORDER,
              envelopeId: envelope.nonce,
              request: 'POST /orders',
              ...identity,
            },
          },
        ]);
      },
    );

    test('may come chunked', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const answer = await service.send({ ...(await sealedRequest(known)), chunked: true });
      expect(answer.status).toBe(200);
      expect(service.calls[0]!.stream.toString()).toBe(ORDER_TEXT);
      expect(service.calls[0]!.headers).not.toHaveProperty('transfer-encoding');
    });

    test('may name its media type in capitals and with parameters', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const headers = { 'content-type': 'Application/XLink-Envelope ; charset=utf-8' };
      expect((await service.send(await sealedRequest(known, { headers }))).status).toBe(200);
      expect(service.calls[0]!.headers['content-type']).toBe('application/json');
    });

    test('that is signed only is taken where allowCleartext says so', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api, options: { allowCleartext: true } });
      const sent = await sealedRequest(known, {}, { signedOnly: true });
      expect((await service.send(sent)).status).toBe(200);
      expect(service.calls[0]).toMatchObject({ body: ORDER, auth: { mode: 'xlink', encrypted: false } });
    });

    test('that is signed only is refused otherwise', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const sent = await sealedRequest(known, {}, { signedOnly: true });
      await expectRefused(service, sent, '400 CLEARTEXT_NOT_ALLOWED');
    });

    test('without a payload is refused even where cleartext is allowed', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api, options: { allowCleartext: true } });
      const sent = await sealedRequest(known, {}, { signedOnly: true, payload: undefined });
      await expectRefused(service, sent, '400 PARSE_FAILED:MISSING_FIELD');
    });

    test.each([null, false, 0, '', [1, 'two'], { '': {} }])('of %j arrives as that', async (payload) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      expect((await service.send(await sealedRequest(known, {}, { payload }))).status).toBe(200);
      expect(service.calls[0]).toMatchObject({ body: payload, stream: Buffer.from(JSON.stringify(payload)) });
    });

    test('is bound to a target with characters outside ASCII as it is on the wire', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const path = '/orders/t%C3%A9?q=%22a%20b%22&x=1';
      expect((await service.send(await sealedRequest(known, { path }))).status).toBe(200);
      expect(service.calls[0]!.url).toBe(path);
    });
  });

  describe('handlers that read the request themselves', () => {
    const reading = (read: (req: IncomingMessage) => Promise<Buffer>) => async () => {
      const known = await parties();
      const found: Buffer[] = [];
      const service = await serve({
        express,
        api: known.api,
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
      const known = await parties();
      const failures: unknown[] = [];
      const service = await serve({
        express,
        api: known.api,
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
      const known = await parties();
      const verified: string[] = [];
      const service = await serve({
        express,
        api: known.api,
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
      const known = await parties();
      const rawBodies: unknown[] = [];
      const service = await serve({
        express,
        api: known.api,
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

  describe('an envelope in a header', () => {
    test.each(['GET', 'HEAD', 'DELETE'])('speaks for a %s without a body', async (method) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const answer = await service.send(await signedRequest(known, { method, path: '/orders/7?full=1' }));
      expect(answer.status).toBe(200);
      expect(service.calls).toHaveLength(1);
      expect(service.calls[0]).toMatchObject({
        method,
        url: '/orders/7?full=1',
        auth: { mode: 'xlink', did: known.caller.did, encrypted: false },
        message: { payload: undefined, request: `${method} /orders/7?full=1` },
      });
    });

    test.each(['GET', 'HEAD', 'DELETE'])('that is bad refuses a %s', async (method) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const sent = { ...(await signedRequest(known, { method })), path: '/orders/8' };
      await expectRefused(service, withKey(sent), '401 REQUEST_BINDING_MISMATCH');
    });

    test('may stand in Xlink-Envelope while the key keeps Authorization', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const sent = headerForm(
        await signedEnvelope(known),
        { headers: { authorization: `Bearer ${KEY}` } },
        'xlink-envelope',
      );
      expect((await service.send(sent)).status).toBe(200);
      expect(service.calls[0]).toMatchObject({ auth: { mode: 'xlink' } });
      expect(service.validated).toEqual([]);
    });

    test.each(['post', 'XLINK', 'xLiNk'])('is found whatever the case of its scheme (%s)', async (scheme) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const { headers } = await signedRequest(known);
      const authorization = String(headers!.authorization).replace(
        'Xlink',
        scheme === 'post' ? 'xlink' : scheme,
      );
      expect((await service.send({ headers: { authorization } })).status).toBe(200);
    });

    const multipart = [
      '--border42',
      'Content-Disposition: form-data; name="file"; filename="a.bin"',
      'Content-Type: application/octet-stream',
      '',
      `${CANARY}\u0000\u00ff`,
      '--border42--',
      '',
    ].join('\r\n');
    const uploads: [string, Sent][] = [
      ['JSON', json(ORDER)],
      [
        'JSON with a charset',
        { headers: { 'content-type': 'application/json; charset=utf-8' }, body: ORDER_TEXT },
      ],
      ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'item=tea&n=2' }],
      [
        'a multipart upload',
        {
          headers: { 'content-type': 'multipart/form-data; boundary=border42' },
          body: Buffer.from(multipart, 'latin1'),
        },
      ],
      [
        '900 KiB of binary',
        { headers: { 'content-type': 'application/octet-stream' }, body: binaryOf(900 * 1024) },
      ],
      [
        'a body of exactly 1 MiB',
        { headers: { 'content-type': 'application/octet-stream' }, body: binaryOf(MIB) },
      ],
      ['a body without a type', { body: binaryOf(17) }],
    ];
    test.each(uploads)('covers %s, byte by byte', async (_, upload) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      for (const chunked of [false, true]) {
        const answer = await service.send({ ...(await signedRequest(known, upload)), chunked });
        expect(answer.status).toBe(200);
      }
      for (const { stream, headers, auth } of service.calls) {
        expect(Buffer.compare(stream, Buffer.from(upload.body!))).toBe(0);
        expect(headers['content-type']).toBe(upload.headers?.['content-type']);
        expect(auth).toMatchObject({ mode: 'xlink', encrypted: false });
      }
      expect(service.calls).toHaveLength(2);
    });

    describe.each([
      ['at once', undefined],
      ['after a slow middleware', unhurried],
    ])('beside an empty chunked body, asked %s', (_, before) => {
      const setup = async (parse: boolean) => {
        const known = await parties();
        const service = await serve({
          express,
          api: known.api,
          mount({ app, adapter, handler }) {
            if (before) app.use(before);
            app.use(adapter.middleware());
            if (parse) app.use(express.json());
            app.use(handler);
          },
        });
        return { known, service };
      };
      const empty: Sent = { method: 'POST', headers: JSON_TYPE, body: '', chunked: true };

      test('is taken without a digest', async () => {
        const { known, service } = await setup(false);
        const envelope = await signedEnvelope(known, { method: 'POST' });
        expect((await service.send(headerForm(envelope, empty))).status).toBe(200);
        expect(service.calls[0]).toMatchObject({ stream: Buffer.alloc(0), auth: { mode: 'xlink' } });
      });

      test('is taken in front of a parser', async () => {
        const { known, service } = await setup(true);
        const byKey = await service.send(withKey(empty));
        const envelope = await signedEnvelope(known, { method: 'POST' });
        const byEnvelope = await service.send(headerForm(envelope, empty));
        expect([byKey.status, byEnvelope.status]).toEqual([200, 200]);
        expect(service.calls[1]!.auth).toMatchObject({ mode: 'xlink' });
      });

      test('is taken in front of a parser when its end comes late', async () => {
        const { known, service } = await setup(true);
        const envelope = await signedEnvelope(known, { method: 'POST' });
        const bytes = onTheWire(headerForm(envelope, empty));
        const wire = await openWire(service.port);
        await wire.write(bytes.subarray(0, -5));
        expect((await service.send(withKey())).status).toBe(200);
        await wire.write(bytes.subarray(-5));
        expect((await wire.answer()).status).toBe(200);
        expect(service.calls[1]).toMatchObject({ method: 'POST', auth: { mode: 'xlink' } });
      });

      test('is refused with a digest', async () => {
        const { known, service } = await setup(false);
        const envelope = await signedEnvelope(known, json(ORDER));
        await expectRefused(service, headerForm(envelope, empty), '400 CONTENT_DIGEST_UNEXPECTED');
      });

      test('is no envelope', async () => {
        const { service } = await setup(false);
        await expectRefused(service, bodyForm('', { chunked: true }), '400 PARSE_FAILED:SYNTAX');
        await expectRefused(service, bodyForm(''), '400 PARSE_FAILED:SYNTAX');
        const { body: __, ...bodyless } = bodyForm('');
        await expectRefused(service, bodyless, '400 PARSE_FAILED:SYNTAX');
      });
    });

    test.each([
      ['gzip', 415],
      ['GZIP', 415],
      ['identity, gzip', 415],
      ['br', 415],
      ['identity', 200],
      ['', 200],
    ])('with Content-Encoding %j is answered %d', async (encoding, status) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const upload = { ...json(ORDER), headers: { ...JSON_TYPE, 'content-encoding': encoding } };
      if (status === 415) {
        await expectRefused(service, await signedRequest(known, upload), '415 CONTENT_ENCODING_UNSUPPORTED');
        await expectRefused(
          service,
          await sealedRequest(known, { headers: { 'content-encoding': encoding } }),
          '415 CONTENT_ENCODING_UNSUPPORTED',
        );
      } else {
        expect((await service.send(await signedRequest(known, upload))).status).toBe(200);
      }
    });
  });

  describe('limits', () => {
    const forms: [string, RefusalText, (api: BaseAgent, caller: BaseAgent) => Promise<Sent>][] = [
      ['an enveloped body', '413 ENVELOPE_TOO_LARGE', async () => bodyForm('', {})],
      [
        'a body beside an envelope',
        '413 BODY_TOO_LARGE',
        (api, caller) =>
          signedRequest(
            { api, caller },
            { headers: { 'content-type': 'application/octet-stream' }, body: 'anything' },
          ),
      ],
    ];

    test.each(forms)(
      '%s whose Content-Length is too large is refused before a byte of it is read',
      async (_, refusal, make) => {
        const { api, caller } = await parties();
        const service = await serve({ express, api });
        const { headers } = await make(api, caller);
        const wire = await openWire(service.port);
        const head = onTheWire({ method: 'POST', headers: { ...headers, 'content-length': MIB + 1 } });
        await wire.write(head);
        await expectRefusal(service, await wire.answer(), refusal);
        expect(service.sockets[0]!.bytesRead).toBe(head.length);
      },
    );

    test.each(forms)(
      '%s that turns out too large is refused while it is sent, and cut off if it goes on',
      async (_, refusal, make) => {
        const { api, caller } = await parties();
        const service = await serve({ express, api });
        const { headers } = await make(api, caller);
        const wire = await openWire(service.port);
        const answer = wire.answer();
        const head = onTheWire({ method: 'POST', headers: { ...headers, 'transfer-encoding': 'chunked' } });
        await wire.write(head);
        const chunk = Buffer.concat([
          Buffer.from('10000\r\n'),
          Buffer.alloc(65_536, '{"'),
          Buffer.from('\r\n'),
        ]);
        let sent = 0;
        try {
          while (!wire.socket.destroyed && sent < 64 * MIB) {
            await wire.write(chunk);
            sent += chunk.length;
          }
        } catch {
          // cut off while writing
        }
        await wire.closed;
        await expectRefusal(service, await answer, refusal);
        expect(sent).toBeLessThan(64 * MIB);
        expect(service.sockets[0]!.bytesRead).toBeLessThan(10 * MIB);
      },
    );

    test.each(forms)(
      '%s that is too large lets a client finish that reads the answer only then',
      async (_, refusal, make) => {
        const { api, caller } = await parties();
        const service = await serve({ express, api });
        const { headers } = await make(api, caller);
        const wire = await openWire(service.port);
        wire.socket.pause();
        await wire.write(onTheWire({ headers: headers!, body: Buffer.alloc(4 * MIB, '{"'), chunked: true }));
        wire.socket.resume();
        await expectRefusal(service, await wire.answer(), refusal);
        await wire.write(onTheWire(await signedRequest({ api, caller })));
        expect((await wire.answer()).status).toBe(200);
      },
    );

    test('maxBodyBytes 0 leaves no room for bodies, and GET works on', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api, options: { maxBodyBytes: 0 } });
      await expectRefused(service, await signedRequest(known, { body: 'x' }), '413 BODY_TOO_LARGE');
      expect((await service.send(await signedRequest(known))).status).toBe(200);
    });

    test('what a parser in front left is measured as well', async () => {
      const known = await parties();
      const service = await serve({
        express,
        api: known.api,
        options: { maxBodyBytes: 100 },
        mount({ app, adapter, handler }) {
          app.use(express.raw({ type: '*/*' }), adapter.middleware(), handler);
        },
      });
      await expectRefused(
        service,
        await signedRequest(known, { body: 'x'.repeat(101) }),
        '413 BODY_TOO_LARGE',
      );
      expect((await service.send(await signedRequest(known, { body: 'x'.repeat(100) }))).status).toBe(200);
    });
  });

  describe('uploads that do not go straight', () => {
    const uploads: [string, (parts: Awaited<ReturnType<typeof parties>>) => Promise<Sent>][] = [
      ['enveloped', (known) => sealedRequest(known, {}, { payload: { item: 'x'.repeat(50_000) } })],
      ['beside an envelope', (known) => signedRequest(known, { body: 'x'.repeat(50_000) })],
    ];

    test.each(uploads)('%s: one that is broken off is counted, and no handler runs', async (_, make) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const bytes = onTheWire(await make(known));
      const arrived = once(service.server, 'request');
      const wire = await openWire(service.port);
      await wire.write(bytes.subarray(0, bytes.length - 1000));
      await arrived;
      wire.socket.destroy();
      await service.until('request', 1);
      expect(service.events.at(-1)).toMatchObject({
        type: 'request',
        outcome: 'refused',
        reason: 'BODY_ABORTED',
        status: 400,
      });
      expect(service.calls).toEqual([]);
      expect(service.adapter.getMetrics()).toMatchObject({ totalRequests: 0, failedAuth: 1 });
      expectNoSecrets(service);
      expect((await service.send(await signedRequest(known))).status).toBe(200);
    });

    test.each(uploads)(
      '%s: one that was broken off before the adapter saw it is counted too',
      async (_, make) => {
        const known = await parties();
        const service = await serve({
          express,
          api: known.api,
          mount({ app, adapter, handler }) {
            app.use((req, _res, next) => {
              req.once('close', () => setImmediate(next));
              req.on('error', () => {});
            });
            app.use(adapter.middleware(), handler);
          },
        });
        const bytes = onTheWire(await make(known));
        const arrived = once(service.server, 'request');
        const wire = await openWire(service.port);
        await wire.write(bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 100)); // little: Node sees the end of what it reads
        await arrived;
        wire.socket.destroy();
        await service.until('request', 1);
        expect(service.events.at(-1)).toMatchObject({
          outcome: 'refused',
          reason: 'BODY_ABORTED',
          status: 400,
        });
        expect(service.calls).toEqual([]);
      },
    );

    test.each(uploads)('%s: one that comes byte by byte with pauses arrives whole', async (_, make) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const sent = await make(known);
      const bytes = onTheWire(sent);
      const wire = await openWire(service.port);
      const body = bytes.indexOf('\r\n\r\n') + 4;
      const cuts = [0, 20, body - 1, body, body + 1, body + 30_000, bytes.length - 1, bytes.length];
      for (const [i, cut] of cuts.slice(1).entries()) {
        await wire.write(bytes.subarray(cuts[i], cut));
        expect((await service.send(withKey({ path: '/meanwhile' }))).status).toBe(200); // others are served meanwhile
      }
      expect((await wire.answer()).status).toBe(200);
      const call = service.calls.find(({ url }) => url === '/orders')!;
      expect(call.stream).toHaveLength(sent.headers!['content-type'] === undefined ? 50_000 : 50_011);
      expect(call.auth).toMatchObject({ mode: 'xlink' });
    });
  });

  describe('a refused request never runs into the next one on its connection', () => {
    const smuggled = `GET /smuggled HTTP/1.1\r\nhost: test\r\nx-api-key: ${KEY}\r\n\r\n`;
    const text = { headers: { 'content-type': 'text/plain' }, body: smuggled };
    type Make = (known: Awaited<ReturnType<typeof parties>>) => Promise<Sent>;
    const rows: [string, RefusalText, Make][] = [
      ['no credentials', '401 CREDENTIALS_MISSING', async () => text],
      ['a wrong key', '401 API_KEY_INVALID', async () => withKey(text, 'some-wrong-key')],
      ['a body that is no envelope', '400 PARSE_FAILED:SYNTAX', async () => bodyForm(smuggled)],
      [
        'a chunked body that is no envelope',
        '400 PARSE_FAILED:SYNTAX',
        async () => bodyForm(smuggled, { chunked: true }),
      ],
      [
        'an envelope for another path, its body never read',
        '401 REQUEST_BINDING_MISMATCH',
        async (known) => ({ ...(await signedRequest(known, text)), path: '/elsewhere' }),
      ],
      [
        'a chunked body never read',
        '401 REQUEST_BINDING_MISMATCH',
        async (known) => ({ ...(await signedRequest(known, text)), path: '/elsewhere', chunked: true }),
      ],
      [
        'a body that does not match',
        '401 CONTENT_DIGEST_MISMATCH',
        async (known) => headerForm(await signedEnvelope(known, { ...text, body: 'other' }), text),
      ],
      [
        'a body on a GET',
        '400 CONTENT_DIGEST_MISSING',
        async (known) => headerForm(await signedEnvelope(known), { ...text, method: 'GET' }),
      ],
      [
        'gzip',
        '415 CONTENT_ENCODING_UNSUPPORTED',
        async (known) =>
          signedRequest(known, {
            headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
            body: gzipSync(smuggled),
          }),
      ],
      [
        'a body that is too large',
        '413 BODY_TOO_LARGE',
        (known) => signedRequest(known, { ...text, body: smuggled.repeat(20_000) }),
      ],
      [
        'a chunked body that is too large',
        '413 BODY_TOO_LARGE',
        (known) => signedRequest(known, { ...text, body: smuggled.repeat(20_000), chunked: true }),
      ],
      [
        'an enveloped body that is too large',
        '413 ENVELOPE_TOO_LARGE',
        async () => bodyForm(`{"${smuggled.repeat(20_000)}`, { chunked: true }),
      ],
    ];

    test.each(rows)('%s', async (_, refusal, make) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const wire = await openWire(service.port);
      const [refused, good, last] = [
        await make(known),
        await signedRequest(known),
        await signedRequest(known),
      ];

      await wire.write(Buffer.concat([onTheWire(refused), onTheWire(good)]));
      const answers = [await wire.answer(), await wire.answer()];
      await wire.write(onTheWire(last));
      answers.push(await wire.answer());

      await expectRefusal(service, answers[0]!, refusal, { calls: 2 });
      expect(answers.map(({ status }) => status)).toEqual([Number(refusal.slice(0, 3)), 200, 200]);
      expect(service.calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
        'GET /orders',
        'GET /orders',
      ]);
      expect(service.sockets).toHaveLength(1);
    });

    test('bodies that were accepted and never read', async () => {
      const known = await parties();
      const service = await serve({
        express,
        api: known.api,
        mount({ app, adapter, handler }) {
          app.use(adapter.middleware());
          app.post('/orders', (_req, res) => void res.json({ ok: true }));
          app.use(handler);
        },
      });
      const wire = await openWire(service.port);
      const requests = [
        await signedRequest(known, text),
        await signedRequest(known, { ...text, chunked: true }),
        await sealedRequest(known),
        await signedRequest(known, { ...text, body: smuggled.repeat(10_000) }),
        await signedRequest(known),
      ];
      await wire.write(Buffer.concat(requests.map(onTheWire)));
      const statuses: number[] = [];
      for (const _ of requests) statuses.push((await wire.answer()).status);
      expect(statuses).toEqual([200, 200, 200, 200, 200]);
      expect(service.calls.map(({ url }) => url)).toEqual(['/orders']);
      expect(service.sockets).toHaveLength(1);
    });

    test('a body framed twice is refused by Node, whatever its envelope', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const wire = await openWire(service.port);
      const sent = await signedRequest(known, text);
      const headers = { ...sent.headers, 'content-length': smuggled.length, 'transfer-encoding': 'chunked' };
      await wire.write(
        Buffer.concat([onTheWire({ method: 'POST', headers }), Buffer.from(`0\r\n\r\n${smuggled}`)]),
      );
      expect((await wire.answer()).status).toBe(400);
      await wire.closed;
      expect(service.calls).toEqual([]);
    });
  });
});
