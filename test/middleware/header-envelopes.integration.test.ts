import { describe, expect, test } from '@jest/globals';
import { FRAMEWORKS } from '../support/express.js';
import {
  bodyForm,
  CANARY,
  headerForm,
  json,
  KEY,
  ORDER,
  onTheWire,
  openWire,
  type Sent,
  sealedRequest,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../support/http.js';
import { STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';
import { bytesIn } from './support.js';

const MIB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };
const ORDER_TEXT = JSON.stringify(ORDER);

/** Bytes that are not text and that repeat nowhere near a chunk border. */
const binaryOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255));

/** A middleware that takes its time, as one that asks a database does. */
const unhurried = (_req: unknown, _res: unknown, next: () => void) =>
  void setImmediate(() => setImmediate(next));

describe.each(STAGES)('$name', ({ serve }) => {
  describe('an envelope in a header', () => {
    test.each(['GET', 'HEAD', 'DELETE'])('speaks for a %s without a body', async (method) => {
      const known = await World.withCaller();
      const service = await serve(known);
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
      const known = await World.withCaller();
      const service = await serve(known);
      const sent = { ...(await signedRequest(known, { method })), path: '/orders/8' };
      await service.refused(withKey(sent), '401 REQUEST_BINDING_MISMATCH');
    });

    test('may stand in Xlink-Envelope while the key keeps Authorization', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
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
      const known = await World.withCaller();
      const service = await serve(known);
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
      const known = await World.withCaller();
      const service = await serve(known);
      for (const chunked of [false, true]) {
        const answer = await service.send({ ...(await signedRequest(known, upload)), chunked });
        expect(answer.status).toBe(200);
      }
      for (const call of service.calls) {
        const { headers, auth } = call;
        expect(Buffer.compare(bytesIn(call), Buffer.from(upload.body!))).toBe(0);
        expect(headers['content-type']).toBe(upload.headers?.['content-type']);
        expect(auth).toMatchObject({ mode: 'xlink', encrypted: false });
      }
      expect(service.calls).toHaveLength(2);
    });

    test.each([
      ['gzip', 415],
      ['GZIP', 415],
      ['identity, gzip', 415],
      ['br', 415],
      ['identity', 200],
      ['', 200],
    ])('with Content-Encoding %j is answered %d', async (encoding, status) => {
      const known = await World.withCaller();
      const service = await serve(known);
      const upload = { ...json(ORDER), headers: { ...JSON_TYPE, 'content-encoding': encoding } };
      if (status === 415) {
        await service.refused(await signedRequest(known, upload), '415 CONTENT_ENCODING_UNSUPPORTED');
        await service.refused(
          await sealedRequest(known, { headers: { 'content-encoding': encoding } }),
          '415 CONTENT_ENCODING_UNSUPPORTED',
        );
      } else {
        expect((await service.send(await signedRequest(known, upload))).status).toBe(200);
      }
    });
  });
});

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('an envelope in a header', () => {
    describe.each([
      ['at once', undefined],
      ['after a slow middleware', unhurried],
    ])('beside an empty chunked body, asked %s', (_, before) => {
      const setup = async (parse: boolean) => {
        const known = await World.withCaller();
        const service = await known.serve({
          express,
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
        await service.refused(headerForm(envelope, empty), '400 CONTENT_DIGEST_UNEXPECTED');
      });

      test('is no envelope', async () => {
        const { service } = await setup(false);
        await service.refused(bodyForm('', { chunked: true }), '400 PARSE_FAILED:SYNTAX');
        await service.refused(bodyForm(''), '400 PARSE_FAILED:SYNTAX');
        const { body: __, ...bodyless } = bodyForm('');
        await service.refused(bodyless, '400 PARSE_FAILED:SYNTAX');
      });
    });
  });
});
