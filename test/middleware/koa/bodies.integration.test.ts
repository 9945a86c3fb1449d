import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import {
  bodyForm,
  headerForm,
  json,
  ORDER,
  onTheWire,
  openSocket,
  type RefusalText,
  restOf,
  type Sent,
  sealedRequest,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../../support/http.js';
import { KOAS } from '../../support/koa.js';
import type { WorldWithCaller } from '../../support/world.js';
import { counted, PARSERS, serveKnown, tidyParser } from './support.js';

const ORDER_TEXT = JSON.stringify(ORDER);
const BINARY = { 'content-type': 'application/octet-stream' };

/** Bytes that are not text and that repeat nowhere near a chunk border. */
const binaryOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255));

describe.each(KOAS)('$name', ({ Koa }) => {
  describe('a body beside an envelope', () => {
    const uploads: [string, Sent][] = [
      ['JSON', json(ORDER)],
      ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'item=tea&n=2' }],
      ['900 KiB of binary', { headers: BINARY, body: binaryOf(900 * 1024) }],
      ['a body of exactly 1 MiB', { headers: BINARY, body: binaryOf(1024 * 1024) }],
    ];
    test.each(uploads)('of %s reaches the handler as a stream, byte by byte', async (_, upload) => {
      const { known, service } = await serveKnown({ Koa });
      for (const chunked of [false, true])
        expect((await service.send({ ...(await signedRequest(known, upload)), chunked })).status).toBe(200);
      expect(service.calls).toHaveLength(2);
      for (const { stream, headers, body, auth } of service.calls) {
        expect(Buffer.compare(stream, Buffer.from(upload.body!))).toBe(0);
        expect(headers['content-type']).toBe(upload.headers!['content-type']);
        expect([body, auth]).toMatchObject([undefined, { mode: 'xlink', encrypted: false }]);
      }
    });

    test('that was changed on the way is refused', async () => {
      const { known, service } = await serveKnown({ Koa });
      const sent = headerForm(await signedEnvelope(known, json(ORDER)), json({ item: 'gold' }));
      await service.refused(sent, '401 CONTENT_DIGEST_MISMATCH');
    });

    test('that is empty and chunked does not keep a parser behind waiting', async () => {
      const { known, service } = await serveKnown({
        Koa,
        mount: ({ app, adapter, handler }) => void app.use(adapter.koa()).use(tidyParser).use(handler),
      });
      const empty: Sent = { method: 'POST', headers: json({}).headers!, body: '', chunked: true };
      const sent = headerForm(await signedEnvelope(known, { method: 'POST' }), empty);
      expect((await service.send(sent)).status).toBe(200);
    });
  });

  describe.each([
    ['an enveloped body', '413 ENVELOPE_TOO_LARGE', async () => bodyForm('')],
    [
      'a body beside an envelope',
      '413 BODY_TOO_LARGE',
      (known: WorldWithCaller) => signedRequest(known, { headers: BINARY, body: 'x' }),
    ],
  ] as [string, RefusalText, (known: WorldWithCaller) => Promise<Sent>][])('%s', (_, tooLarge, make) => {
    const limits = { maxEnvelopeBytes: 2048, maxBodyBytes: 2048 };

    test('that announces too much is refused before any of it is read', async () => {
      const { known, service } = await serveKnown({ Koa });
      const { headers } = await make(known);
      const socket = await openSocket(service.port);
      socket.write(onTheWire({ method: 'POST', headers: { ...headers, 'content-length': 2 ** 30 } }));
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(/^HTTP\/1.1 413 /);
      expect(service.calls).toEqual([]);
    });

    test('that turns out too large is refused while it is sent, and cut off if it goes on', async () => {
      const { known, service } = await serveKnown({ Koa, ...limits });
      const { headers } = await make(known);
      const socket = await openSocket(service.port);
      const answer = new Promise((resolve) => socket.once('data', resolve));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(onTheWire({ method: 'POST', headers: { ...headers, 'transfer-encoding': 'chunked' } }));
      const chunk = `10000\r\n${'{"'.repeat(32_768)}\r\n`;
      let sent = 0;
      while (!socket.destroyed && sent < 1000) {
        await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
        sent += 1;
      }
      await closed;
      expect(sent).toBeLessThan(1000);
      expect(String(await answer)).toContain(tooLarge.slice(4));
      expect(service.sockets[0]!.bytesRead).toBeLessThan(10 * 1024 * 1024);
      await service.quiet();
      expect(counted(service)).toEqual([`refused ${tooLarge.slice(4)} 413 unmatched`]);
    });

    test('that is somewhat too large lets the client finish, and the connection goes on', async () => {
      const { known, service } = await serveKnown({ Koa, ...limits });
      const { headers } = await make(known);
      await service.refused({ headers: headers!, body: '{"'.repeat(150_000), chunked: true }, tooLarge);
      expect((await service.send(await signedRequest(known))).status).toBe(200);
      expect(service.sockets).toHaveLength(1);
    });
  });

  test.each([
    ['enveloped', (known: WorldWithCaller) => sealedRequest(known, {}, { payload: 'x'.repeat(50_000) })],
    ['beside an envelope', (known: WorldWithCaller) => signedRequest(known, { body: 'x'.repeat(50_000) })],
  ])('an upload that is broken off, %s, is counted once and reaches no handler', async (_, make) => {
    const { known, service } = await serveKnown({ Koa });
    const bytes = onTheWire(await make(known));
    const arrived = once(service.server, 'request');
    const socket = await openSocket(service.port);
    socket.write(bytes.subarray(0, bytes.length - 1000));
    await arrived;
    socket.destroy();
    await service.until('request', 1);
    expect((await service.send(await signedRequest(known))).status).toBe(200);
    await service.quiet();
    expect(counted(service)).toEqual(['refused BODY_ABORTED 400 unmatched', 'accepted ok 200 unmatched']);
    expect(service.calls).toHaveLength(1);
  });

  describe.each(PARSERS)('%s', (_, parser) => {
    test('behind the adapter leaves what the adapter put there, and parses for everybody else', async () => {
      const { known, service } = await serveKnown({
        Koa,
        mount: ({ app, adapter, handler }) => void app.use(adapter.koa()).use(parser()).use(handler),
      });
      for (const sent of [
        withKey(json(ORDER)),
        await sealedRequest(known),
        await signedRequest(known, json(ORDER)),
        await sealedRequest(known, {}, { payload: [1, null] }),
      ])
        expect((await service.send(sent)).status).toBe(200);
      expect(service.calls.map(({ body }) => body)).toEqual([ORDER, ORDER, ORDER, [1, null]]);
      expect(service.calls.map(({ auth }) => (auth as { mode: string }).mode)).toEqual([
        'api-key',
        'xlink',
        'xlink',
        'xlink',
      ]);
    });

    test('in front of the adapter leaves rawBody, which the digest is checked against', async () => {
      const { known, service } = await serveKnown({
        Koa,
        mount: ({ app, adapter, handler }) => void app.use(parser()).use(adapter.koa()).use(handler),
      });
      for (const sent of [
        withKey(json(ORDER)),
        await signedRequest(known, json(ORDER)),
        await signedRequest(known, json({ item: 'Grüße 🫖' })),
      ])
        expect((await service.send(sent)).status).toBe(200);
      expect(service.calls.map(({ body }) => body)).toEqual([ORDER, ORDER, { item: 'Grüße 🫖' }]);
      const other = headerForm(await signedEnvelope(known, json(ORDER)), json({ item: 'gold' }));
      await service.refused(other, '401 CONTENT_DIGEST_MISMATCH');
    });

    test('in front of the adapter does not touch envelopes, nor types it does not know', async () => {
      const { known, service } = await serveKnown({
        Koa,
        mount: ({ app, adapter, handler }) => void app.use(parser()).use(adapter.koa()).use(handler),
      });
      expect((await service.send(await sealedRequest(known))).status).toBe(200);
      expect(service.calls[0]).toMatchObject({
        body: ORDER,
        headers: { 'content-type': 'application/json' },
      });
      const upload = { headers: BINARY, body: binaryOf(5000) };
      expect((await service.send(await signedRequest(known, upload))).status).toBe(200);
      expect(Buffer.compare(service.calls[1]!.stream, upload.body)).toBe(0);
    });
  });

  describe('a parser in front that took the envelope', () => {
    const leaving = async (leave: (bytes: Buffer) => { request?: object; req?: object }, sent?: Sent) => {
      const { known, service } = await serveKnown({
        Koa,
        mount({ app, adapter, handler }) {
          app.use(async (ctx, next) => {
            const { request = {}, req = {} } = leave(await restOf(ctx.req));
            Object.assign(ctx.request, request);
            Object.assign(ctx.req, req);
            await next();
          });
          app.use(adapter.koa()).use(async (ctx, next) => {
            left.push(Reflect.get(ctx.request, 'rawBody'), Reflect.get(ctx.req, 'body'));
            await next();
          });
          app.use(handler);
        },
      });
      const left: unknown[] = [];
      return { known, service, left, sent: sent ?? (await sealedRequest(known)) };
    };

    test.each([
      ['a Buffer in body', (bytes: Buffer) => ({ request: { body: bytes } })],
      ['text in body', (bytes: Buffer) => ({ request: { body: bytes.toString() } })],
      [
        'text in rawBody and an object in body',
        (bytes: Buffer) => ({ request: { rawBody: bytes.toString(), body: JSON.parse(bytes.toString()) } }),
      ],
      ['a Buffer in the body of Node’s request', (bytes: Buffer) => ({ req: { body: bytes } })],
    ])('and left %s serves as well', async (_, leave) => {
      const { service, sent, left } = await leaving(leave);
      expect((await service.send(sent)).status).toBe(200);
      const { request = {}, req = {} } = leave(Buffer.from('{}')) as { request?: object; req?: object };
      expect(service.calls[0]).toMatchObject({ body: ORDER, auth: { mode: 'xlink' } });
      expect(left).toEqual([
        'rawBody' in request ? ORDER_TEXT : undefined,
        'body' in req ? ORDER : undefined,
      ]);
    });

    test('and left an object alone is a fault, told at once', async () => {
      const { service, sent } = await leaving((bytes) => ({
        request: { body: JSON.parse(bytes.toString()) },
      }));
      await service.refused(sent, '500 BODY_CONSUMED');
      expect(service.events.find(({ type }) => type === 'fault')).toMatchObject({
        error: { id: 'BODY_CONSUMED' },
      });
    });

    test('and left nothing is the same fault', async () => {
      const { service, sent } = await leaving(() => ({}));
      await service.refused(sent, '500 BODY_CONSUMED');
    });
  });

  test('a parser in front that keeps no text makes the digest uncheckable, and that is told at once', async () => {
    const { known, service } = await serveKnown({
      Koa,
      mount: ({ app, adapter, handler }) => void app.use(tidyParser).use(adapter.koa()).use(handler),
    });
    await service.refused(await signedRequest(known, json(ORDER)), '500 BODY_CONSUMED');
    expect((await service.send(withKey(json(ORDER)))).status).toBe(200);
    expect(service.calls[0]!.body).toEqual(ORDER);
  });
});
