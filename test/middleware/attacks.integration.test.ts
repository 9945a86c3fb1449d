import { createHash } from 'node:crypto';
import { METHODS as HTTP_METHODS } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { type Metric, Registry } from 'prom-client';
import { type Auth, authOf, type NonceStore, type Version } from '../../src/index.js';
import { prometheusMetrics } from '../../src/metrics/index.js';
import { identityOf } from '../support/agents.js';
import { altered, resigned, withBitFlipped } from '../support/forge.js';
import { BAD_BODIES, BAD_HEADERS, LIMITS } from './bad-requests.js';
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
  sealedEnvelope,
  sealedRequest,
  serve,
  signedEnvelope,
  signedRequest,
  withKey,
} from './support.js';

const requestsOf = (events: readonly { type: string }[]) => events.filter(({ type }) => type === 'request');

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('a failed envelope beside a good key: it is final, and the key is not even looked at', () => {
    const bad = [
      ...BAD_HEADERS.map((row) => ({ ...row, form: 'header' })),
      ...BAD_BODIES.map((row) => ({ ...row, form: 'body' })),
    ];
    test.each(bad)('$form: $name', async ({ make, refusal }) => {
      const known = await parties();
      const service = await serve({ express, api: known.api, options: LIMITS });
      await expectRefused(service, withKey(await make(known)), refusal);
      expect(service.validated).toEqual([]);
      expect(requestsOf(service.events)).toMatchObject([
        { outcome: 'refused', method: 'xlink', reason: refusal.slice(4) },
      ]);
    });

    test.each(['X-API-Key', 'Authorization: Bearer', 'the query', 'extract'])(
      'wherever the key is: %s',
      async (place) => {
        const known = await parties();
        const extract = () => (place === 'extract' ? KEY : undefined);
        const service = await serve({
          express,
          api: known.api,
          options: { apiKey: { query: 'key', extract } },
        });
        const path = place === 'the query' ? `/orders?key=${KEY}` : '/orders';
        const envelope = await signedEnvelope(known, { path: '/elsewhere' });
        const headers = {
          'X-API-Key': { 'x-api-key': KEY },
          'Authorization: Bearer': { authorization: `Bearer ${KEY}` },
        }[place];
        const sent = headerForm(envelope, { path, ...(headers ? { headers } : {}) }, 'xlink-envelope');
        await expectRefused(service, sent, '401 REQUEST_BINDING_MISMATCH');
        expect(service.validated).toEqual([]);
      },
    );
  });

  describe('a good envelope at a place it was not made for', () => {
    const moved: [string, { method?: string; path?: string }][] = [
      ['another method', { method: 'PUT' }],
      ['another path', { path: '/refunds' }],
      ['a path below', { path: '/orders/1' }],
      ['the path in capitals', { path: '/ORDERS' }],
      ['the path with a slash more', { path: '/orders/' }],
      ['a path that normalizes to it', { path: '/x/../orders' }],
      ['a path that decodes to it', { path: '/%6Frders' }],
      ['a query', { path: '/orders?force=1' }],
      ['an empty query', { path: '/orders?' }],
    ];
    test.each(moved)('%s', async (_, there) => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const sealed = await sealedRequest(known);
      await expectRefused(service, { ...sealed, ...there }, '401 REQUEST_BINDING_MISMATCH');
      const beside = await signedRequest(known, json(ORDER));
      await expectRefused(service, { ...beside, ...there }, '401 REQUEST_BINDING_MISMATCH');
      expect((await service.send(sealed)).status).toBe(200); // refused elsewhere, still good where it belongs
    });

    test('another audience', async () => {
      const known = await parties();
      const service = await serve({ express, api: await known.world.agent('another api') });
      await expectRefused(service, await sealedRequest(known), '401 RECIPIENT_MISMATCH');
      await expectRefused(service, await signedRequest(known), '401 RECIPIENT_MISMATCH');
    });
  });

  describe('replay', () => {
    test('an envelope is good once, in whichever form it comes back', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      for (const sent of [await sealedRequest(known), await signedRequest(known, json(ORDER))]) {
        expect((await service.send(sent)).status).toBe(200);
        await expectRefused(service, sent, '409 REPLAY_DETECTED');
        await expectRefused(service, withKey(sent), '409 REPLAY_DETECTED');
      }
      const envelope = await signedEnvelope(known);
      expect((await service.send(headerForm(envelope))).status).toBe(200);
      await expectRefused(service, headerForm(envelope, {}, 'xlink-envelope'), '409 REPLAY_DETECTED');
    });

    test.each(['a sealed body', 'an envelope in a header'])(
      'of fifty at once exactly one gets in: %s',
      async (form) => {
        const known = await parties();
        const service = await serve({ express, api: known.api });
        const sent =
          form === 'a sealed body' ? await sealedRequest(known) : await signedRequest(known, json(ORDER));
        const answers = await Promise.all(Array.from({ length: 50 }, () => service.send(sent)));
        const accepted = answers.filter(({ status }) => status === 200);
        expect(accepted).toHaveLength(1);
        for (const answer of answers.filter((one) => one !== accepted[0]))
          await expectRefusal(service, answer, '409 REPLAY_DETECTED', { calls: 1 });
      },
    );

    test('envelopes that fail their signature leave no trace in the nonce store', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const envelope = await signedEnvelope(known);
      const broken = altered(envelope, { signature: withBitFlipped(envelope.signature, 3) });
      await expectRefused(service, headerForm(broken), '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');
      expect((await service.send(headerForm(envelope))).status).toBe(200);
    });

    test('a nonce store that is down lets nobody in', async () => {
      const cause = new Error('connection refused');
      const nonceStore: NonceStore = { seen: () => false, claim: () => Promise.reject(cause) };
      const known = await parties({ nonceStore });
      const service = await serve({ express, api: known.api });
      await expectRefused(service, withKey(await signedRequest(known)), '503 NONCE_STORE_UNAVAILABLE');
      expect(service.validated).toEqual([]);
      expect(service.events.find(({ type }) => type === 'fault')).toMatchObject({ error: { cause } });
    });
  });

  test('an envelope is good up to the edges of the window and not beyond', async () => {
    const known = await parties();
    const service = await serve({ express, api: known.api });
    const [first, second] = [await signedRequest(known), await signedRequest(known)];
    known.world.clock.advance(30_000);
    expect((await service.send(first)).status).toBe(200);
    known.world.clock.advance(1);
    await expectRefused(service, second, '401 TIMESTAMP_EXPIRED');
  });

  test('a caller who is revoked between two requests is out with the second, and no one else is', async () => {
    const known = await parties();
    const other = { api: known.api, caller: await known.world.agent('other caller') };
    const service = await serve({ express, api: known.api });
    expect((await service.send(await sealedRequest(known))).status).toBe(200);
    await known.world.registry.revoke(known.caller.did);
    await expectRefused(service, await sealedRequest(known), '403 VERIFICATION_FAILED:DID_REVOKED');
    await expectRefused(service, await signedRequest(known), '403 VERIFICATION_FAILED:DID_REVOKED');
    expect((await service.send(await sealedRequest(other))).status).toBe(200);
  });

  describe('scopes', () => {
    test('that the sender lacks, from the request after they were taken away', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const write = () => signedRequest(known, {}, { scope: 'orders:write' });
      await known.world.registry.updateScopes(known.caller.did, { scopes: ['orders:read', 'orders:write'] });
      expect((await service.send(await write())).status).toBe(200);
      await known.world.registry.updateScopes(known.caller.did, { scopes: ['orders:read'] });
      await expectRefused(service, await write(), '403 SCOPE_DENIED');
    });

    test('that the receiver does not take, whatever the registry says', async () => {
      const known = await parties({ receiveScopes: ['orders:read'] });
      await known.world.registry.updateScopes(known.api.did, { receiveScopes: ['*'] });
      const service = await serve({ express, api: known.api });
      expect((await service.send(await signedRequest(known, {}, { scope: 'orders:read' }))).status).toBe(200);
      await expectRefused(
        service,
        await signedRequest(known, {}, { scope: 'admin' }),
        '403 SCOPE_NOT_ALLOWED',
      );
      await expectRefused(
        service,
        await sealedRequest(known, {}, { scope: 'admin' }),
        '403 SCOPE_NOT_ALLOWED',
      );
    });
  });

  describe('a version 3 envelope', () => {
    const version3 = () => parties({ maxVersion: 3 }, { maxVersion: 3 });

    test.each(['body', 'header'])('stripped of its second signature (%s)', async (form) => {
      const known = await version3();
      const service = await serve({ express, api: known.api });
      const envelope = await (form === 'body' ? sealedEnvelope(known) : signedEnvelope(known));
      const wrap = (changed: typeof envelope) => (form === 'body' ? bodyForm(changed) : headerForm(changed));
      const stripped = altered(envelope, { pqSignature: undefined });
      await expectRefused(service, wrap(stripped), '400 PARSE_FAILED:PQ_SIGNATURE_MISSING');
      const suite = envelope.suite.replace('+MLDSA65', '');
      const relabelled = altered(stripped, { version: 2 as Version, suite });
      await expectRefused(service, wrap(relabelled), '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    });

    test('makes version 2 too low for its sender from then on', async () => {
      const known = await version3();
      const service = await serve({ express, api: known.api });
      expect((await service.send(await signedRequest(known, {}, { version: 2 }))).status).toBe(200);
      expect((await service.send(await signedRequest(known))).status).toBe(200);
      await expectRefused(service, await signedRequest(known, {}, { version: 2 }), '401 VERSION_TOO_LOW');
    });
  });

  test('somebody who signs an envelope of another as their own cannot open it for the API', async () => {
    const known = await parties();
    const service = await serve({ express, api: known.api });
    const thief = await known.world.agent('thief');
    const stolen = altered(await sealedEnvelope(known), { from: thief.did });
    const sent = bodyForm(await resigned(await identityOf('thief'), stolen));
    await expectRefused(service, sent, '400 DECRYPT_FAILED:DECRYPTION');
  });

  describe('another middleware writes req.auth', () => {
    const admin = { mode: 'xlink', did: 'did:key:zAdmin', scope: '*' };
    const writers: [string, (req: object) => void][] = [
      ['replacing it', (req) => void Object.assign(req, { auth: admin })],
      ['changing it in place', (req) => void Object.assign(Reflect.get(req, 'auth'), admin)],
      ['taking it away', (req) => void Reflect.deleteProperty(req, 'auth')],
    ];
    test.each(writers)('%s: authOf keeps what the adapter found', async (_, write) => {
      const known = await parties();
      const found: (Auth | undefined)[] = [];
      const service = await serve({
        express,
        api: known.api,
        mount({ app, adapter, handler }: Mounted) {
          app.use(adapter.middleware());
          app.use((req, _res, next) => {
            write(req);
            found.push(authOf(req));
            next();
          }, handler);
        },
      });
      await service.send(await signedRequest(known));
      await service.send(withKey());
      expect(found).toMatchObject([
        { mode: 'xlink', did: known.caller.did, scope: 'default' },
        { mode: 'api-key', userId: 'u1' },
      ]);
      expect(found[1]).not.toHaveProperty('did');
    });

    test('in front of the adapter: it is not taken for an authentication', async () => {
      const known = await parties();
      const service = await serve({
        express,
        api: known.api,
        options: { skip: ({ target }) => target === '/health' },
        mount({ app, adapter, handler }: Mounted) {
          app.use((req, _res, next) => {
            Object.assign(req, { auth: admin });
            next();
          });
          app.use(adapter.middleware(), handler);
        },
      });
      await expectRefused(service, {}, '401 CREDENTIALS_MISSING');
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
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const method = 'POST';
      let sent = pair.includes('body') ? await sealedRequest(known) : { method };
      for (const place of pair) {
        if (place !== 'body') sent = headerForm(await signedEnvelope(known, { method }), sent, place);
      }
      await expectRefused(service, withKey(sent), '400 ENVELOPE_AMBIGUOUS');
      expect(service.validated).toEqual([]);
    });
  });

  describe('headers that come twice', () => {
    const twice = (first: string, second: string) =>
      `GET /orders HTTP/1.1\r\nhost: test\r\n${first}\r\n${second}\r\n\r\n`;

    test('two envelopes in Authorization: the first counts, as everywhere in Node, once', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
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
      await expectRefusal(service, await wire.answer(), '401 REQUEST_BINDING_MISMATCH');
    });

    test('an envelope behind a key in Authorization: only the key is seen, and a wrong one does not pass', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const { headers } = await signedRequest(known);
      const wire = await openWire(service.port);
      await wire.write(twice('authorization: Bearer wrong', `authorization: ${headers!.authorization}`));
      await expectRefusal(service, await wire.answer(), '401 API_KEY_INVALID');
    });

    test('a type that is an envelope for one reader and text for the other is one thing here: the first', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const wire = await openWire(service.port);
      const body = JSON.stringify(await sealedEnvelope(known));
      const types = 'content-type: application/xlink-envelope\r\ncontent-type: text/plain';
      await wire.write(
        `POST /orders HTTP/1.1\r\nhost: test\r\n${types}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      expect((await wire.answer()).status).toBe(200);
      expect(service.calls[0]).toMatchObject({
        body: ORDER,
        headers: { 'content-type': 'application/json' },
      });
    });
  });

  describe('a huge header', () => {
    test('is refused by Node before anybody sees it', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const answer = await service.send({ headers: { authorization: `Xlink ${'A'.repeat(20_000)}` } });
      expect(answer.status).toBe(431);
      expect(service.events.filter(({ type }) => type !== 'mode')).toEqual([]);
    });

    test('is refused by the adapter where Node takes it', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api, maxHeaderSize: 256 * 1024 });
      const sent = { headers: { authorization: `Xlink ${'A'.repeat(32 * 1024 + 1)}` } };
      await expectRefused(service, withKey(sent), '413 ENVELOPE_TOO_LARGE');
    });

    test('of a version 3 envelope fits into what Node takes', async () => {
      const known = await parties({ maxVersion: 3 }, { maxVersion: 3 });
      const service = await serve({ express, api: known.api });
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
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const sent = await signedRequest(known, json(ORDER));
      await expectRefused(service, { ...sent, headers: { ...sent.headers, ...label } }, refusal);
    });

    test('a charset on an enveloped body changes nothing: its bytes are what is verified', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const headers = { 'content-type': 'application/xlink-envelope; charset=utf-16le' };
      const sent = await sealedRequest(known, { headers });
      const body = Buffer.from(String(sent.body), 'utf16le');
      await expectRefused(service, { ...sent, body }, '400 PARSE_FAILED:SYNTAX');
      expect((await service.send(sent)).status).toBe(200);
    });

    test('Transfer-Encoding that Node does not undo is covered as it is', async () => {
      const known = await parties();
      const service = await serve({ express, api: known.api });
      const sent = await signedRequest(known, json(ORDER));
      const headers = { ...sent.headers, 'transfer-encoding': 'gzip, chunked' };
      const wire = await openWire(service.port);
      await wire.write(onTheWire({ ...sent, body: '{"item":"gold"}', chunked: true, headers }));
      await expectRefusal(service, await wire.answer(), '401 CONTENT_DIGEST_MISMATCH');
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
      const { api } = await parties();
      const register = new Registry();
      const maxRoutes = 30;
      const service = await serve({
        express,
        api,
        options: {
          mode: 'deprecation',
          refusalsPerSecond: 1_000_000, // they all come from one address, and none shall wait
          observers: [prometheusMetrics({ register, maxRoutes })],
        },
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
    }, 20_000);
  });

  test('secrets show up nowhere, whatever goes wrong', async () => {
    const register = new Registry();
    const known = await parties();
    const service = await serve({
      express,
      api: known.api,
      options: {
        ...LIMITS,
        exposeDetails: true,
        observers: [prometheusMetrics({ register })],
        apiKey: { query: 'key' },
        legacyKeyValidator(key) {
          if (key === KEY) return { userId: 'u1' };
          throw new Error(`${key} is not a key`);
        },
      },
    });
    const answers: string[] = [];
    const ask = async (sent: Parameters<typeof service.send>[0]) =>
      answers.push(JSON.stringify(await service.send(sent)));
    for (const { make } of [...BAD_HEADERS, ...BAD_BODIES]) {
      const fresh = await parties();
      await ask(withKey(await make({ ...fresh, api: known.api })));
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
