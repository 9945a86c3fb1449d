import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Agent } from '@private.me/xlink';
import { FRAMEWORKS } from '../support/express.js';
import {
  bodyForm,
  expectNoSecrets,
  expectRefused,
  headerForm,
  KEY,
  onTheWire,
  openWire,
  type RefusalText,
  type Sent,
  sealedRequest,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../support/http.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';
import { jsonTextOf } from './support.js';

const MIB = 1024 * 1024;

const uploads: [string, (parts: WorldWithCaller) => Promise<Sent>][] = [
  ['enveloped', (known) => sealedRequest(known, {}, { payload: { item: 'x'.repeat(50_000) } })],
  ['beside an envelope', (known) => signedRequest(known, { body: 'x'.repeat(50_000) })],
];

describe.each(STAGES)('$name', (stage) => {
  const { serve } = stage;

  const withConnections = having(stage, 'connections');

  withConnections.describe('limits', () => {
    const forms: [string, RefusalText, number, (api: Agent, caller: Agent) => Promise<Sent>][] = [
      ['an enveloped body', '413 ENVELOPE_TOO_LARGE', 1.5 * MIB, async () => bodyForm('', {})],
      [
        'a body beside an envelope',
        '413 BODY_TOO_LARGE',
        MIB,
        (api, caller) =>
          signedRequest(
            { api, caller },
            { headers: { 'content-type': 'application/octet-stream' }, body: 'anything' },
          ),
      ],
    ];

    test.each(forms)(
      '%s whose Content-Length is too large is refused before a byte of it is read',
      async (_, refusal, limit, make) => {
        const known = await World.withCaller();
        const { api, caller } = known;
        const service = await serve(known);
        const { headers } = await make(api, caller);
        const wire = await openWire(service.port);
        const head = onTheWire({ method: 'POST', headers: { ...headers, 'content-length': limit + 1 } });
        await wire.write(head);
        await expectRefused(service, await wire.answer(), refusal);
        expect(service.sockets[0]!.bytesRead).toBe(head.length);
      },
    );

    test.each(forms)(
      '%s that turns out too large is refused while it is sent, and cut off if it goes on',
      async (_, refusal, _limit, make) => {
        const known = await World.withCaller();
        const { api, caller } = known;
        const service = await serve(known);
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
        await expectRefused(service, await answer, refusal);
        expect(sent).toBeLessThan(64 * MIB);
        expect(service.sockets[0]!.bytesRead).toBeLessThan(10 * MIB);
      },
    );

    test.each(forms)(
      '%s that is too large lets a client finish that reads the answer only then',
      async (_, refusal, _limit, make) => {
        const known = await World.withCaller();
        const { api, caller } = known;
        const service = await serve(known);
        const { headers } = await make(api, caller);
        const wire = await openWire(service.port);
        wire.socket.pause();
        await wire.write(onTheWire({ headers: headers!, body: Buffer.alloc(4 * MIB, '{"'), chunked: true }));
        wire.socket.resume();
        await expectRefused(service, await wire.answer(), refusal);
        await wire.write(onTheWire(await signedRequest({ api, caller })));
        expect((await wire.answer()).status).toBe(200);
      },
    );

    test('maxBodyBytes 0 leaves no room for bodies, and GET works on', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { maxBodyBytes: 0 });
      await service.refused(await signedRequest(known, { body: 'x' }), '413 BODY_TOO_LARGE');
      expect((await service.send(await signedRequest(known))).status).toBe(200);
    });
  });

  withConnections.describe('uploads that do not go straight', () => {
    test.each(uploads)('%s: one that is broken off is counted, and no handler runs', async (_, make) => {
      const known = await World.withCaller();
      const service = await serve(known);
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

    test.each(uploads)('%s: one that comes byte by byte with pauses arrives whole', async (_, make) => {
      const known = await World.withCaller();
      const service = await serve(known);
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
      expect(jsonTextOf(call)).toHaveLength(sent.headers!['content-type'] === undefined ? 50_000 : 50_011);
      expect(call.auth).toMatchObject({ mode: 'xlink' });
    });
  });

  withConnections.describe('a refused request never runs into the next one on its connection', () => {
    const smuggled = `GET /smuggled HTTP/1.1\r\nhost: test\r\nx-api-key: ${KEY}\r\n\r\n`;
    const text = { headers: { 'content-type': 'text/plain' }, body: smuggled };
    type Make = (known: WorldWithCaller) => Promise<Sent>;
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
        async () => bodyForm(`{"${smuggled.repeat(30_000)}`, { chunked: true }),
      ],
    ];

    test.each(rows)('%s', async (_, refusal, make) => {
      const known = await World.withCaller();
      const service = await serve(known);
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

      await expectRefused(service, answers[0]!, refusal, { calls: 2 });
      expect(answers.map(({ status }) => status)).toEqual([Number(refusal.slice(0, 3)), 200, 200]);
      expect(service.calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
        'GET /orders',
        'GET /orders',
      ]);
      expect(service.sockets).toHaveLength(1);
    });

    test('bodies that were accepted and never read', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const wire = await openWire(service.port);
      const unread = { ...text, path: '/unread' };
      const requests = [
        await signedRequest(known, unread),
        await signedRequest(known, { ...unread, chunked: true }),
        await sealedRequest(known, { path: '/unread' }),
        await signedRequest(known, { ...unread, body: smuggled.repeat(10_000) }),
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
      const known = await World.withCaller();
      const service = await serve(known);
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

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  test('what a parser in front left is measured as well', async () => {
    const known = await World.withCaller();
    const service = await known.serve({
      express,
      maxBodyBytes: 100,
      mount({ app, adapter, handler }) {
        app.use(express.raw({ type: '*/*' }), adapter.middleware(), handler);
      },
    });
    await service.refused(await signedRequest(known, { body: 'x'.repeat(101) }), '413 BODY_TOO_LARGE');
    expect((await service.send(await signedRequest(known, { body: 'x'.repeat(100) }))).status).toBe(200);
  });

  test.each(uploads)(
    '%s: one that was broken off before the adapter saw it is counted too',
    async (_, make) => {
      const known = await World.withCaller();
      const service = await known.serve({
        express,
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
});
