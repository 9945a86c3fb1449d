import { createServer, type Server } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, HttpTrustRegistry, MemoryTrustRegistry, type XlinkError } from '@private.me/xlink';
import { createRegistryServer, type RegistryServerOptions } from '@private.me/xlink/server';
import express from 'express';
import express4 from 'express4';
import { identityOf } from '../support/agents.js';
import { listen, openWire, problemOf, type Sent, send } from '../support/http.js';
import { unwrap } from '../support/results.js';

const alice = await identityOf('alice', 1);
const ALICE = alice.did;
const BOB = (await identityOf('bob', 1)).did;
const TOKEN = 'token-canary-2b8e61f0';
const BEARER = { authorization: `Bearer ${TOKEN}` };

async function serve(options: Partial<RegistryServerOptions> = {}, wrap?: (handler: never) => Server) {
  const registry = new MemoryTrustRegistry();
  unwrap(await registry.register({ did: ALICE, name: 'Ada', sendScopes: ['a'] }));
  const handler = createRegistryServer({ registry, adminToken: TOKEN, ...options });
  const { port } = await listen(wrap ? wrap(handler as never) : createServer(handler));
  return { registry, port, send: (sent: Sent) => send(port, sent) };
}
const post = (path: string, value: unknown, headers: object = BEARER): Sent => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', ...headers } as never,
  body: typeof value === 'string' ? value : JSON.stringify(value),
});

const WRITES: [string, object][] = [
  ['register', { did: BOB }],
  ['add', { did: ALICE, scopes: ['*'] }],
  ['revoke', { did: ALICE }],
  ['scopes', { did: ALICE, scopes: ['*'] }],
  ['keys', { did: ALICE, keys: { did: ALICE } }],
];

/** Those that take a condition. */
const CONDITIONAL: [string, object][] = [
  ['add', { did: ALICE, scopes: ['*'] }],
  ['revoke', { did: ALICE }],
  ['scopes', { did: ALICE, scopes: ['*'] }],
  ['keys', { did: ALICE, keys: await createKeyRecord(alice) }],
];

describe('who may do what', () => {
  test('authorize decides in the place of the token, and is told the route', async () => {
    const asked: string[] = [];
    const options: Partial<RegistryServerOptions> = {
      authorize: async ({ headers }, route) => {
        asked.push(route);
        if (headers['x-role'] === 'broken') throw new Error('secret-canary');
        return headers['x-role'] === 'operator' && route !== 'revoke';
      },
    };
    const { send } = await serve({ ...options, adminToken: undefined } as never);
    const as = (role: string, route: string) =>
      send(post(`/registry/${route}`, { did: ALICE }, { 'x-role': role }));
    expect((await as('operator', 'add')).status).toBe(200);
    expect((await as('operator', 'revoke')).status).toBe(401);
    expect((await as('auditor', 'add')).status).toBe(401);
    const broken = await as('broken', 'add');
    expect([broken.status, broken.text.includes('secret-canary')]).toEqual([503, false]);
    expect((await send({ path: '/registry/list', headers: BEARER })).status).toBe(401); // there is no token any more
    expect((await send({ path: `/registry/resolve/${ALICE}` })).status).toBe(200);
    expect(asked).toEqual(['add', 'revoke', 'add', 'add', 'list']);
  });

  test('either a token or authorize says who may: neither, and both, are refused', () => {
    const registry = new MemoryTrustRegistry();
    const refusal = (field: string) => expect.objectContaining({ id: 'INVALID_OPTION', field });
    expect(() => createRegistryServer({ registry })).toThrow(refusal('adminToken'));
    const both = { registry, adminToken: TOKEN, authorize: () => true };
    expect(() => createRegistryServer(both)).toThrow(refusal('authorize'));
  });

  test('anybody may look up one DID', async () => {
    const { send } = await serve();
    const answer = await send({ path: `/registry/resolve/${ALICE}` });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(JSON.parse(answer.text)).toEqual({
      did: ALICE,
      name: 'Ada',
      sendScopes: ['a'],
      status: 'active',
      revision: 1,
    });
    const unknown = await send({ path: `/registry/resolve/${BOB}` });
    expect(unknown.status).toBe(404);
    expect(problemOf(unknown)).toMatchObject({
      code: 'LOOKUP_FAILED',
      subCode: 'DID_NOT_IN_REGISTRY',
      did: BOB,
      revision: 0,
    });
    expect((await send({ path: `/registry/resolve/${encodeURIComponent(ALICE)}` })).status).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ['no token', {}],
    ['an empty token', { authorization: 'Bearer ' }],
    ['another token', { authorization: `Bearer ${TOKEN}x` }],
    ['the beginning of the token', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['the token under another scheme', { authorization: `Basic ${TOKEN}` }],
    ['the bare token', { authorization: TOKEN }],
    ['the token twice', { authorization: `Bearer ${TOKEN} ${TOKEN}` }],
    ['the token in another header', { 'x-api-key': TOKEN }],
  ])('nobody else may do anything: %s', async (_, headers) => {
    const { send, registry } = await serve();
    const before = registry.list();
    const asked: Sent[] = [
      ...WRITES.map(([route, body]) => post(`/registry/${route}`, body, headers)),
      ...WRITES.map(([route, body]) => post(`/registry/${route}?token=${TOKEN}`, body, headers)),
      { path: '/registry/list', headers },
      { method: 'HEAD', path: '/registry/list', headers },
    ];
    for (const sent of asked) {
      const answer = await send(sent);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="xlink-registry"');
      expect(answer.text).not.toContain(TOKEN);
      if (sent.method !== 'HEAD')
        expect(problemOf(answer)).toMatchObject({ code: 'REGISTRATION_FAILED', subCode: 'UNAUTHORIZED' });
    }
    expect(registry.list()).toEqual(before);
  });

  test.each(['Bearer', 'bearer', 'BEARER  '])('the admin may do everything, with %j too', async (scheme) => {
    const { send, registry } = await serve();
    const headers = { authorization: `${scheme} ${TOKEN}` };
    expect((await send(post('/registry/revoke', { did: ALICE }, headers))).status).toBe(200);
    expect(registry.lookup(ALICE)?.status).toBe('revoked');
    const list = await send({ path: '/registry/list', headers });
    expect(JSON.parse(list.text)).toEqual({ entries: registry.list() });
  });

  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'])('%s changes nothing', async (method) => {
    const { send, registry } = await serve();
    const before = registry.list();
    for (const [route, body] of WRITES) {
      const answer = await send({ ...post(`/registry/${route}`, body), method });
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST, OPTIONS' } });
    }
    expect((await send({ ...post(`/registry/resolve/${ALICE}`, {}), method: 'POST' })).headers.allow).toBe(
      'GET, HEAD, OPTIONS',
    );
    expect(registry.list()).toEqual(before);
  });

  test('HEAD is GET without a body, OPTIONS says what there is', async () => {
    const { send } = await serve();
    expect(await send({ method: 'HEAD', path: `/registry/resolve/${ALICE}` })).toMatchObject({
      status: 200,
      text: '',
    });
    expect(await send({ method: 'HEAD', path: `/registry/resolve/${BOB}` })).toMatchObject({
      status: 404,
      text: '',
    });
    const options = await send({ method: 'OPTIONS', path: '/registry/register' });
    expect(options).toMatchObject({ status: 204, text: '', headers: { allow: 'POST, OPTIONS' } });
    expect(options.headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('what is sent', () => {
  test.each<[string, Sent, number, object]>([
    ['is no JSON', post('/registry/revoke', 'did=x'), 400, { code: 'REGISTRATION_FAILED', field: 'body' }],
    ['is half JSON', post('/registry/revoke', '{"did":'), 400, { field: 'body' }],
    ['is nothing', post('/registry/revoke', ''), 400, { field: 'body' }],
    ['is a list', post('/registry/revoke', [ALICE]), 400, { field: 'body' }],
    ['is null', post('/registry/revoke', 'null'), 400, { field: 'body' }],
    ['is a text', post('/registry/revoke', '"x"'), 400, { field: 'body' }],
    ['has a member too many', post('/registry/revoke', { did: ALICE, all: true }), 400, { field: 'body' }],
    ['has a status', post('/registry/register', { did: BOB, status: 'active' }), 400, { field: 'body' }],
    ['has a prototype', post('/registry/revoke', '{"__proto__":{"did":"x"}}'), 400, { field: 'body' }],
    [
      'says it is a form',
      post('/registry/revoke', { did: ALICE }, { ...BEARER, 'content-type': 'text/plain' }),
      400,
      { field: 'contentType' },
    ],
    ['has no DID', post('/registry/register', {}), 400, { code: 'INVALID_DID' }],
    ['has a list of DIDs', post('/registry/register', { did: [BOB] }), 400, { code: 'INVALID_DID' }],
    [
      'has scopes as text',
      post('/registry/register', { did: BOB, sendScopes: '*' }),
      400,
      { code: 'REGISTRATION_FAILED', field: 'scopes' },
    ],
    ['has null for scopes', post('/registry/scopes', { did: ALICE, scopes: null }), 400, { field: 'scopes' }],
    [
      'has keys of another DID',
      post('/registry/keys', { did: ALICE, keys: { did: BOB } }),
      400,
      { code: 'KEY_RECORD_INVALID' },
    ],
    [
      'has null for keys',
      post('/registry/keys', { did: ALICE, keys: null }),
      400,
      { code: 'KEY_RECORD_INVALID' },
    ],
    ['is there already', post('/registry/register', { did: ALICE }), 409, { subCode: 'ALREADY_REGISTERED' }],
    ['is not there', post('/registry/revoke', { did: BOB }), 404, { subCode: 'DID_NOT_IN_REGISTRY' }],
    [
      'is too large',
      post('/registry/add', { did: ALICE, name: 'x'.repeat(300_000) }),
      413,
      { code: 'BODY_TOO_LARGE' },
    ],
    [
      'is too large in pieces',
      { ...post('/registry/add', { did: ALICE, name: 'x'.repeat(300_000) }), chunked: true },
      413,
      { code: 'BODY_TOO_LARGE' },
    ],
    ['is no DID to resolve', { path: '/registry/resolve/alice' }, 400, { code: 'INVALID_DID' }],
    ['is half an escape', { path: '/registry/resolve/%zz' }, 400, { code: 'INVALID_DID' }],
    ['is no page', { path: '/registry/list?after=x', headers: BEARER }, 400, { code: 'INVALID_DID' }],
    ['is another path', { path: '/registry/nothing' }, 404, { type: 'about:blank' }],
    ['is a longer path', { path: `/registry/resolve/${ALICE}/x` }, 404, { type: 'about:blank' }],
  ])('%s', async (_, sent, status, problem) => {
    const { send, registry } = await serve();
    const before = registry.list();
    const answer = await send(sent);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(problemOf(answer)).toMatchObject({ status, ...problem });
    expect(registry.list()).toEqual(before);
  });

  test('a request that is never finished changes nothing, and others are served', async () => {
    const { port, send, registry } = await serve();
    const wire = await openWire(port);
    const body = JSON.stringify({ did: ALICE });
    await wire.write(
      `POST /registry/revoke HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length + 1}\r\n\r\n${body}`,
    );
    expect((await send({ path: `/registry/resolve/${ALICE}` })).status).toBe(200);
    wire.socket.destroy();
    await wire.closed;
    expect(registry.lookup(ALICE)?.status).toBe('active');
  });

  test('a registry that fails is 503, and only its operator learns why', async () => {
    const faults: XlinkError[] = [];
    const registry = new MemoryTrustRegistry();
    const fails = () => Promise.reject(new Error('password=hunter2'));
    Object.assign(registry, { lookup: fails, change: fails, list: fails });
    const { send } = await serve({ registry, onFault: (error) => faults.push(error) });
    for (const sent of [
      { path: `/registry/resolve/${ALICE}` },
      post('/registry/add', { did: ALICE }),
      { path: '/registry/list', headers: BEARER },
    ] as Sent[]) {
      const answer = await send(sent);
      expect(answer.status).toBe(503);
      expect(answer.text).not.toContain('hunter2');
    }
    expect(faults.map(({ cause }) => (cause as Error).message)).toEqual(Array(3).fill('password=hunter2'));
  });
});

describe('a condition', () => {
  test.each(CONDITIONAL)(
    'holds for /registry/%s; a refusal says which revision is there',
    async (route, body) => {
      const { send, registry } = await serve();
      const before = registry.list();
      for (const ifRevision of [0, 2]) {
        const refused = await send(post(`/registry/${route}`, { ...body, ifRevision }));
        expect(refused).toMatchObject({
          status: 409,
          headers: { 'content-type': 'application/problem+json' },
        });
        expect(problemOf(refused)).toMatchObject({
          code: 'REGISTRATION_FAILED',
          subCode: 'CHANGED_MEANWHILE',
          field: 'ifRevision',
          revision: 1,
        });
      }
      expect(registry.list()).toEqual(before);
      expect((await send(post(`/registry/${route}`, { ...body, ifRevision: 1 }))).status).toBe(200);
      expect(registry.lookup(ALICE)?.revision).toBe(2);
    },
  );

  test('about who is not there names revision 0', async () => {
    const { send } = await serve();
    const refused = await send(post('/registry/add', { did: BOB, ifRevision: 1 }));
    expect(problemOf(refused)).toMatchObject({ subCode: 'CHANGED_MEANWHILE', revision: 0 });
    expect((await send(post('/registry/add', { did: BOB, ifRevision: 0 }))).status).toBe(200);
  });

  test.each(['-1', '1.5', '"1"', '1e999', 'null', 'true', '[1]', '{}', '9007199254740992'])(
    '%s is none, and changes nothing',
    async (ifRevision) => {
      const { send, registry } = await serve();
      const before = registry.list();
      for (const [route, body] of CONDITIONAL) {
        const text = `${JSON.stringify(body).slice(0, -1)},"ifRevision":${ifRevision}}`;
        const refused = await send(post(`/registry/${route}`, text));
        expect(problemOf(refused)).toMatchObject({
          status: 400,
          code: 'INVALID_OPTION',
          field: 'ifRevision',
        });
      }
      expect(registry.list()).toEqual(before);
    },
  );

  test('is nothing that a registration takes', async () => {
    const { send, registry } = await serve();
    for (const more of [{ ifRevision: 0 }, { revision: 5 }]) {
      const refused = await send(post('/registry/register', { did: BOB, ...more }));
      expect(problemOf(refused)).toMatchObject({ status: 400, field: 'body' });
    }
    expect(registry.lookup(BOB)).toBeUndefined();
  });
});

test('a list of many and large entries comes in pages', async () => {
  const { registry, port, send } = await serve();
  const dids = await Promise.all(
    Array.from({ length: 600 }, async (_, at) => (await identityOf(`page-${at}`, 1)).did),
  );
  for (const [at, did] of dids.entries())
    unwrap(await registry.register({ did, name: 'x'.repeat(at < 20 ? 200_000 : 10) }));
  const first = JSON.parse((await send({ path: '/registry/list', headers: BEARER })).text);
  expect(first.next).toBe(first.entries.at(-1).did);
  const client = new HttpTrustRegistry({ baseUrl: `http://127.0.0.1:${port}`, authToken: TOKEN });
  const found = await client.list();
  expect(found.map(({ did }) => did)).toEqual([...dids, ALICE].sort());
});

describe('mounted', () => {
  test.each([
    ['Express 5, under a path', () => express(), '/registry'],
    ['Express 5, everywhere', () => express(), '/'],
    ['Express 4, under a path', () => express4() as never as ReturnType<typeof express>, '/registry'],
    ['Express 5, under another path', () => express(), '/trust'],
    ['Express 5, behind a JSON parser', () => express().use(express.json()), '/registry'],
    ['Express 5, behind a raw parser', () => express().use(express.raw({ type: '*/*' })), '/registry'],
  ])('in %s it serves its routes and passes the others on', async (_, makeApp, mount) => {
    const { port, send, registry } = await serve({}, (handler) => {
      const app = makeApp();
      app.use(mount, handler);
      app.use((_, res) => void res.status(418).end());
      return createServer(app);
    });
    const base = mount === '/trust' ? '/trust' : '';
    const client = new HttpTrustRegistry({ baseUrl: `http://127.0.0.1:${port}${base}`, authToken: TOKEN });
    expect((await client.lookup(ALICE))?.name).toBe('Ada');
    unwrap(await client.register({ did: BOB, sendScopes: ['x'] }));
    unwrap(await client.revoke(ALICE));
    expect(registry.lookup(ALICE)?.status).toBe('revoked');
    expect((await client.list()).length).toBe(2);
    expect((await send({ path: '/other' })).status).toBe(418);
    expect((await send(post(`${base}/registry/revoke`, { did: BOB }, {}))).status).toBe(401);
    expect(registry.lookup(BOB)?.status).toBe('active');
  });
});

test.each([
  '/list',
  '/register',
  '/any/registry/list',
  '/any?x=/registry/list',
  '/registry/list/',
  '/registry/registry/list',
  '/xregistry/list',
])('[E7] %s is no route of it, whoever asks', async (path) => {
  const { send } = await serve();
  const headers = { authorization: `Bearer ${TOKEN}` };
  expect((await send({ path, headers })).status).toBe(404);
  const mounted = await serve({}, (handler) =>
    createServer(express().use(handler, (_, res) => void res.status(418).end())),
  );
  expect((await mounted.send({ path, headers })).status).toBe(418);
});
