import { createHash } from 'node:crypto';
import { METHODS as HTTP_METHODS } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import { type Metric, Registry } from 'prom-client';
import { FRAMEWORKS } from '../support/express.js';
import {
  CANARY,
  expectNoSecrets,
  expectRefused,
  headerForm,
  json,
  KEY,
  ORDER,
  onTheWire,
  openWire,
  type RefusalText,
  sealedEnvelope,
  sealedRequest,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../support/http.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';
import { BAD_BODIES } from './bad-bodies.js';
import { BAD_HEADERS } from './bad-headers.js';
import { LIMITS } from './bad-requests.js';

const requestsOf = (events: readonly { type: string }[]) => events.filter(({ type }) => type === 'request');

describe.each(STAGES)('$name', (stage) => {
  const { serve } = stage;

  describe('another middleware writes req.auth', () => {
    const admin = { mode: 'xlink', did: 'did:key:zAdmin', scope: '*' };
    const writers: [string, (req: object) => void][] = [
      ['replacing it', (req) => void Object.assign(req, { auth: admin })],
      ['changing it in place', (req) => void Object.assign(Reflect.get(req, 'auth'), admin)],
      ['taking it away', (req) => void Reflect.deleteProperty(req, 'auth')],
    ];
    test.each(writers)('%s: authOf keeps what the adapter found', async (_, write) => {
      const known = await World.withCaller();
      const service = await serve(known, {}, { meddle: write });
      await service.send(await signedRequest(known));
      await service.send(withKey());
      const found = service.calls.map(({ authOf }) => authOf);
      expect(found).toMatchObject([
        { mode: 'xlink', did: known.caller.did, scope: '*' },
        { mode: 'api-key', userId: 'u1' },
      ]);
      expect(found[1]).not.toHaveProperty('did');
    });

    test('of a request that nobody authenticated: it is not taken for an authentication', async () => {
      const known = await World.withCaller();
      const options = { skip: ({ target }: { target: string }) => target === '/health' };
      const service = await serve(known, options, {
        meddle: (place) => void Object.assign(place, { auth: admin }),
      });
      await service.refused({}, '401 CREDENTIALS_MISSING');
      await service.send({ path: '/health' });
      expect(service.calls).toMatchObject([{ auth: admin, authOf: undefined }]);
    });
  });

  describe('several envelopes at once, each of them good', () => {
    const places = ['authorization', 'xlink-envelope', 'body'] as const;
    const pairs = [
      [0, 1],
      [0, 2],
      [1, 2],
      [0, 1, 2],
    ].map((which) => which.map((i) => places[i]!));

    test.each(pairs.map((pair) => [pair.join(' and '), pair] as const))('%s', async (_, pair) => {
      const known = await World.withCaller();
      const service = await serve(known);
      const method = 'POST';
      let sent = pair.includes('body') ? await sealedRequest(known) : { method };
      for (const place of pair) {
        if (place !== 'body') sent = headerForm(await signedEnvelope(known, { method }), sent, place);
      }
      await service.refused(withKey(sent), '400 ENVELOPE_AMBIGUOUS');
      expect(service.validated).toEqual([]);
    });
  });

  having(stage, 'header lines').describe('headers that come twice', () => {
    const twice = (first: string, second: string) =>
      `GET /orders HTTP/1.1\r\nhost: test\r\n${first}\r\n${second}\r\n\r\n`;

    test('[A11] two envelopes in Authorization', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const [first, second] = await Promise.all([
        signedRequest(known),
        signedRequest(known, { path: '/other' }),
      ]);
      const wire = await openWire(service.port);
      const lines = [first, second].map(({ headers }) => `authorization: ${headers!.authorization}`) as [
        string,
        string,
      ];
      await wire.write(twice(lines[1], lines[0]));
      await expectRefused(service, await wire.answer(), '400 ENVELOPE_AMBIGUOUS');
    });

    test('[A11] an envelope behind a key in Authorization', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const { headers } = await signedRequest(known);
      const wire = await openWire(service.port);
      for (const key of ['wrong', KEY]) {
        await wire.write(twice(`authorization: Bearer ${key}`, `authorization: ${headers!.authorization}`));
        await expectRefused(service, await wire.answer(), '400 CREDENTIALS_AMBIGUOUS');
      }
      expect(service.validated).toEqual([]);
    });

    const orders = ['application/xlink-envelope', 'text/plain'];
    test.each([orders, [...orders].reverse()])(
      '[A11] a body that is %s for one reader and %s for another',
      async (first, second) => {
        const known = await World.withCaller();
        const service = await serve(known);
        const wire = await openWire(service.port);
        const body = JSON.stringify(await sealedEnvelope(known));
        const types = `content-type: ${first}\r\ncontent-type: ${second}`;
        await wire.write(
          `POST /orders HTTP/1.1\r\nhost: test\r\n${types}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
        await expectRefused(service, await wire.answer(), '400 ENVELOPE_AMBIGUOUS');
      },
    );
  });

  describe('a huge header', () => {
    test('is refused by Node before anybody sees it', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const answer = await service.send({ headers: { authorization: `Xlink ${'A'.repeat(20_000)}` } });
      expect(answer.status).toBe(431);
      expect(service.events.filter(({ type }) => type !== 'mode')).toEqual([]);
    });

    test('of a version 3 envelope fits into what Node takes', async () => {
      const known = await World.withCaller({ maxVersion: 3 }, { maxVersion: 3 });
      const service = await serve(known);
      const path = `/orders?q=${'x'.repeat(1000)}`;
      expect((await service.send(await signedRequest(known, { path }))).status).toBe(200);
    });
  });

  describe('requests that two readers could read in two ways', () => {
    const mislabelled: [string, RefusalText, Record<string, string>][] = [
      ['gzip', '415 CONTENT_ENCODING_UNSUPPORTED', { 'content-encoding': 'gzip' }],
      ['deflate', '415 CONTENT_ENCODING_UNSUPPORTED', { 'content-encoding': 'deflate' }],
      ['a list of codings', '415 CONTENT_ENCODING_UNSUPPORTED', { 'content-encoding': 'identity,br' }],
      ['UTF-16', '401 CONTENT_TYPE_MISMATCH', { 'content-type': 'application/json; charset=utf-16le' }],
      ['UTF-7', '401 CONTENT_TYPE_MISMATCH', { 'content-type': 'application/json;charset=utf-7' }],
      ['a form', '401 CONTENT_TYPE_MISMATCH', { 'content-type': 'application/x-www-form-urlencoded' }],
      ['the type in capitals', '401 CONTENT_TYPE_MISMATCH', { 'content-type': 'Application/JSON' }],
    ];
    test.each(mislabelled)('a body that somebody on the way calls %s', async (_, refusal, label) => {
      const known = await World.withCaller();
      const service = await serve(known);
      const sent = await signedRequest(known, json(ORDER));
      await service.refused({ ...sent, headers: { ...sent.headers, ...label } }, refusal);
    });

    test('a charset on an enveloped body changes nothing: its bytes are what is verified', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const headers = { 'content-type': 'application/xlink-envelope; charset=utf-16le' };
      const sent = await sealedRequest(known, { headers });
      const body = Buffer.from(String(sent.body), 'utf16le');
      await service.refused({ ...sent, body }, '400 PARSE_FAILED:SYNTAX');
      expect((await service.send(sent)).status).toBe(200);
    });

    having(stage, 'framing').test(
      'Transfer-Encoding that Node does not undo is covered as it is',
      async () => {
        const known = await World.withCaller();
        const service = await serve(known);
        const sent = await signedRequest(known, json(ORDER));
        const headers = { ...sent.headers, 'transfer-encoding': 'gzip, chunked' };
        const wire = await openWire(service.port);
        await wire.write(onTheWire({ ...sent, body: '{"item":"gold"}', chunked: true, headers }));
        await expectRefused(service, await wire.answer(), '401 CONTENT_DIGEST_MISMATCH');
      },
    );
  });

  test('secrets show up nowhere, whatever goes wrong', async () => {
    const register = new Registry();
    const known = await World.withCaller();
    const service = await serve(known, {
      ...LIMITS,
      exposeDetails: true,
      observers: [prometheusMetrics({ register })],
      apiKey: { query: 'key' },
      legacyKeyValidator(key) {
        if (key === KEY) return { userId: 'u1' };
        throw new Error(`${key} is not a key`);
      },
    });
    const answers: string[] = [];
    const ask = async (sent: Parameters<typeof service.send>[0]) =>
      answers.push(JSON.stringify(await service.send(sent)));
    for (const { make } of [...BAD_HEADERS, ...BAD_BODIES]) {
      const fresh = await World.withCaller();
      await ask(withKey(await make(Object.assign(fresh, { api: known.api }))));
    }
    for (const mode of ['observe', 'hybrid', 'deprecation', 'xlink-only'] as const) {
      service.adapter.setMode(mode);
      await ask(withKey(await signedRequest(known, json(ORDER))));
      await ask(withKey({}, 'mistyped-key-canary'));
      await ask({ path: `/${CANARY}?key=${KEY}` });
      await ask(withKey(json(ORDER)));
      await ask(await sealedRequest(known));
    }
    await service.quiet();
    expect(service.secrets.size).toBeGreaterThan(40);
    expect(service.events.length).toBeGreaterThan(80);
    expectNoSecrets(service, ...answers, await register.metrics());
  });
});

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('a huge header', () => {
    test('is refused by the adapter where Node takes it', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express, server: { maxHeaderSize: 256 * 1024 } });
      const sent = { headers: { authorization: `Xlink ${'A'.repeat(32 * 1024 + 1)}` } };
      await service.refused(withKey(sent), '413 ENVELOPE_TOO_LARGE');
    });
  });

  describe('labels of metrics', () => {
    const seriesOf = async (register: Registry): Promise<Record<string, string>[]> => {
      const metrics = await register.getMetricsAsJSON();
      return metrics.flatMap(({ values }: Awaited<ReturnType<Metric['get']>>) =>
        values.map(({ labels }) => labels as Record<string, string>),
      );
    };
    const METHODS = HTTP_METHODS.filter((method) => !['CONNECT', 'OPTIONS', 'HEAD'].includes(method));
    const random = (i: number, what: string) =>
      createHash('sha256').update(`${what} ${i}`).digest('hex').slice(0, 16);

    test('do not grow with ten thousand paths, methods, tenants and made-up credentials', async () => {
      const known = await World.withCaller();
      const register = new Registry();
      const maxRoutes = 30;
      const service = await known.serve({
        express,
        mode: 'deprecation',
        refusalsPerSecond: 1_000_000, // they all come from one address, and none shall wait
        observers: [prometheusMetrics({ register, maxRoutes })],
        mount({ app, express: make, adapter }) {
          const answer = (_req: unknown, res: { end(): unknown }) => void res.end();
          const tenants = make.Router({ mergeParams: true }).all('/orders/:id', answer);
          const others = make.Router().all('/orders/:id', answer);
          app.use(adapter.middleware());
          app.use('/t/:tenant', tenants);
          app.use('/u/:tenant', others);
          app.all('/orders/:id', answer);
          app.use((_req, res) => void res.writeHead(404).end());
        },
      });
      const paths = [
        (i: number) => `/${random(i, 'path')}?${random(i, 'query')}`,
        (i: number) => `/t/${random(i, 'tenant')}/orders/${random(i, 'id')}`,
        (i: number) => `/u/${random(i, 'tenant')}/orders/${random(i, 'id')}`,
        (i: number) => `/orders/${random(i, 'id')}`,
      ];
      const sentOf = (i: number) => {
        const sent = { method: METHODS[i % METHODS.length]!, path: paths[i % paths.length]!(i) };
        if (i % 5 === 0) return { ...sent, headers: { 'x-api-key': random(i, 'key') } };
        if (i % 7 === 0) return { ...sent, headers: { authorization: `Xlink ${random(i, 'token')}` } };
        return { ...sent, headers: { 'x-api-key': KEY } };
      };
      const pipelined = async (from: number, to: number) => {
        const wire = await openWire(service.port);
        await wire.write(
          Buffer.concat(Array.from({ length: to - from }, (_, i) => onTheWire(sentOf(from + i)))),
        );
        for (let i = from; i < to; i++) await wire.answer();
        wire.socket.destroy();
      };
      for (let i = 0; i < 10_000; i += 100) await pipelined(i, i + 100);
      await service.quiet();

      const labels = await seriesOf(register);
      const routes = new Set(labels.flatMap(({ route }) => route ?? []));
      expect(requestsOf(service.events)).toHaveLength(10_000);
      expect(routes.size).toBeLessThanOrEqual(maxRoutes + 2); // unmatched, and other for all beyond
      expect([...routes]).toEqual(
        expect.arrayContaining(['unmatched', 'other', '/orders/:id', '/t/:tenant/orders/:id']),
      );
      expect([...routes].filter((route) => route.startsWith('/t/'))).toEqual(['/t/:tenant/orders/:id']);
      expect(new Set(labels.flatMap(({ method }) => method ?? []))).toEqual(new Set(['api-key', 'xlink']));
      expect(labels.length).toBeLessThan(150);
    });
  });
});
