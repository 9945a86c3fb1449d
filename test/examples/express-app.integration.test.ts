import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createKeyRecord, type Version, xlinkFetch } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { ADMIN_TOKEN, Api, type Ask, DASHBOARD_PASSWORD, temporaryFolder } from './api.js';

jest.setTimeout(30_000);

let api: Api;
beforeAll(async () => {
  api = await Api.open();
});
afterAll(() => api.destroy());

const BEANS = { product: 'espresso-1kg', quantity: 2 };

/** Every route once, and every way in which a handler refuses. */
async function aDayOf(ask: Ask) {
  const { body: paid } = await ask('POST', '/orders', BEANS);
  const { body: canceled } = await ask('POST', '/orders', BEANS);
  const payment = await ask('POST', '/payments', { orderId: paid.id, method: 'card' });
  const answers = [
    payment,
    await ask('GET', '/orders'),
    await ask('GET', `/orders/${paid.id}`),
    await ask('GET', `/payments/${payment.body.id}`),
    await ask('DELETE', `/orders/${canceled.id}`),
    await ask('GET', `/orders/${canceled.id}`),
    await ask('DELETE', `/orders/${paid.id}`),
    await ask('POST', '/payments', { orderId: paid.id, method: 'card' }),
    await ask('POST', '/payments', { orderId: paid.id, method: 'shells' }),
    await ask('POST', '/orders', { product: 'tea', quantity: 1 }),
    await ask('POST', '/orders', { product: 'espresso-1kg', quantity: 0 }),
    await ask('GET', '/payments/4711'),
    await ask('GET', '/orders/1/nowhere'),
  ];
  return answers.map(({ status, body, type }) => ({ status, type, body: timeless(body) }));
}

/** What two customers who did the same have in common. */
const timeless = (body: unknown): unknown =>
  JSON.parse(JSON.stringify(body), (key, value) =>
    ['id', 'orderId', 'createdAt'].includes(key) ? typeof value : value,
  );

describe('both ways in', () => {
  let expected: Awaited<ReturnType<typeof aDayOf>>;
  beforeAll(async () => {
    expected = await aDayOf(api.byKey((await api.customer()).apiKey));
  });

  test('an API key gets what the API gave before', () => {
    expect(expected.map(({ status }) => status)).toEqual([
      201, 200, 200, 200, 204, 404, 409, 409, 422, 422, 422, 404, 404,
    ]);
  });

  test.each<Version>([1, 2, 3])('xLink version %i gets the same from every route', async (version) => {
    expect(await aDayOf(api.byXlink(await api.customer(), { version }))).toEqual(expected);
  });

  test('a customer sees the same orders by either credential, and nobody else does', async () => {
    const [ada, bea] = [await api.customer('Ada'), await api.customer('Bea')];
    const [byKey, byXlink] = [api.byKey(ada.apiKey), api.byXlink(ada)];
    const { body: placed } = await byKey('POST', '/orders', BEANS);
    const { body: second } = await byXlink('POST', '/orders', BEANS);
    expect((await byXlink('GET', '/orders')).body).toEqual({ orders: [second, placed] });
    expect((await byKey('GET', '/orders')).body).toEqual({ orders: [second, placed] });
    expect((await byXlink('GET', `/orders/${placed.id}`)).body).toEqual(placed);

    const stranger = api.byXlink(bea);
    expect((await stranger('GET', '/orders')).body).toEqual({ orders: [] });
    expect((await stranger('GET', `/orders/${placed.id}`)).status).toBe(404);
    expect((await stranger('DELETE', `/orders/${placed.id}`)).status).toBe(404);
    expect((await stranger('POST', '/payments', { orderId: placed.id, method: 'card' })).status).toBe(404);
  });

  test('a body in the clear beside a signature works too, and not if it is changed', async () => {
    expect(
      (await api.byXlink(await api.customer(), { form: 'header' })('POST', '/orders', BEANS)).status,
    ).toBe(201);
    const client = await api.client(await api.identityFor(await api.customer(), 'beside'));
    const json = JSON.stringify(BEANS);
    const send = async (body: string) =>
      api.anonymous
        .post('/orders')
        .set('Authorization', await client.sign('POST', '/orders', json))
        .set('Content-Type', 'application/json')
        .send(body);
    expect((await send(json)).status).toBe(201);
    expect((await send(json.replace('2', '1'))).body).toMatchObject({ code: 'CONTENT_DIGEST_MISMATCH' });
  });
});

test.each([
  ['the default version', {}],
  ['version 1', { version: 1 }],
  ['version 2', { version: 2 }],
  ['version 3', { version: 3 }],
] as const)('xlinkFetch takes the key along once, and does what the key could do: %s', async (_, version) => {
  const customer = await api.customer('Xenia', ['orders:read', 'orders:write']);
  const fetch = xlinkFetch({ apiKey: customer.apiKey, baseUrl: api.url, ...version });
  const headers = { 'Content-Type': 'application/json' };
  const order = await fetch('/orders', { method: 'POST', headers, body: JSON.stringify(BEANS) });
  expect([order.status, order.headers.get('xlink-sealed')]).toEqual([201, 'true']);
  const placed = await order.json();
  expect(await (await fetch('/orders')).json()).toEqual({ orders: [placed] });
  expect((await api.byKey(customer.apiKey)('GET', '/orders')).body).toEqual({ orders: [placed] });
  const denied = await fetch('/payments/1');
  expect([denied.status, denied.headers.get('xlink-sealed')]).toEqual([403, 'true']);
});

describe('who is refused', () => {
  test('no credential, an unknown key, an unknown identity', async () => {
    expect((await api.anonymous.get('/orders')).body).toMatchObject({ code: 'CREDENTIALS_MISSING' });
    expect(await api.byKey('sk_nobody')('GET', '/orders')).toMatchObject({
      status: 401,
      body: { code: 'API_KEY_INVALID' },
    });
    expect(await api.byStranger()('GET', '/orders')).toMatchObject({
      status: 401,
      body: { subCode: 'DID_NOT_IN_REGISTRY' },
    });
  });

  test('who lacks the scope, by either credential', async () => {
    const reader = await api.customer('Reader', ['orders:read']);
    const byKey = api.byKey(reader.apiKey);
    const byXlink = api.byXlink(reader);
    for (const ask of [byKey, byXlink]) {
      expect((await ask('GET', '/orders')).status).toBe(200);
      expect((await ask('POST', '/orders', BEANS)).status).toBe(403);
      expect((await ask('GET', '/payments/1')).status).toBe(403);
    }
  });

  test('bodies that are broken or too large, as problem+json', async () => {
    const { apiKey } = await api.customer();
    const send = (body: string) =>
      api.anonymous
        .post('/orders')
        .set({ 'X-API-Key': apiKey, 'Content-Type': 'application/json' })
        .send(body);
    expect(await send('{"product":')).toMatchObject({ status: 400, type: 'application/problem+json' });
    expect(await send(JSON.stringify({ product: 'x'.repeat(70_000) }))).toMatchObject({ status: 413 });
  });
});

describe('the operator', () => {
  test('is nobody without the token', async () => {
    expect((await api.anonymous.get('/admin/customers')).status).toBe(401);
    const { apiKey } = await api.customer();
    expect((await api.byKey(apiKey)('PUT', '/admin/mode', { mode: 'observe' })).status).toBe(401);
  });

  test('lets an identity act with the scopes of the key', async () => {
    const customer = await api.customer('Clerk', ['orders:read', 'orders:write']);
    const keys = await createKeyRecord(await identityOf('clerk'));
    expect(await api.enroll(customer, keys)).toMatchObject({
      status: 201,
      body: { did: keys.did, scopes: ['orders:read', 'orders:write'] },
    });
    expect((await api.enroll(customer, keys)).status).toBe(409);
    expect((await api.enroll({ ...customer, id: 'cus_nobody' }, keys)).status).toBe(404);
  });

  test('registers no keys that their identity did not sign', async () => {
    const [mallory, victim] = [await identityOf('mallory'), await identityOf('victim')];
    const { signature } = await createKeyRecord(mallory);
    const forged = { ...(await createKeyRecord(victim)), signature };
    expect((await api.enroll(await api.customer(), forged)).status).toBe(422);
    expect((await api.admin('POST', `/customers/${(await api.customer()).id}/identities`, {})).status).toBe(
      422,
    );
  });

  test('revokes one identity, and no other credential of that customer', async () => {
    const customer = await api.customer();
    const [lost, kept] = [await api.identityFor(customer, 'lost'), await api.identityFor(customer, 'kept')];
    expect((await api.byIdentity(lost)('GET', '/orders')).status).toBe(200);
    expect((await api.admin('DELETE', `/identities/${lost.did}`)).status).toBe(204);
    expect(await api.byIdentity(lost)('GET', '/orders')).toMatchObject({
      status: 403,
      body: { subCode: 'DID_REVOKED' },
    });
    expect((await api.byIdentity(kept)('GET', '/orders')).status).toBe(200);
    expect((await api.byKey(customer.apiKey)('GET', '/orders')).status).toBe(200);
    expect((await api.admin('DELETE', '/identities/did:key:nobody')).status).toBe(404);
  });

  test('reads who has moved', async () => {
    const [stays, moves] = [await api.customer('stays'), await api.customer('moves')];
    await api.byKey(stays.apiKey)('GET', '/orders');
    await api.byKey(moves.apiKey)('GET', '/orders');
    await api.byXlink(moves)('GET', '/orders');
    const { customers } = (await api.admin('GET', '/customers')).body;
    const movedOf = (id: string) => customers.find((row: { id: string }) => row.id === id).moved;
    expect([movedOf(stays.id), movedOf(moves.id)]).toEqual([false, true]);
  });
});

test('the mode decides what is taken, from one request to the next, and back', async () => {
  const customer = await api.customer();
  const byXlink = api.byXlink(customer);
  const byKey = api.byKey(customer.apiKey);
  const statuses = async () => [
    (await byKey('GET', '/orders')).status,
    (await byXlink('GET', '/orders')).status,
  ];
  expect(await statuses()).toEqual([200, 200]);
  await api.admin('PUT', '/mode', { mode: 'xlink-only', reason: 'test' });
  expect((await api.anonymous.get('/.well-known/xlink.json')).body.mode).toBe('xlink-only');
  expect((await byKey('GET', '/orders')).body).toMatchObject({ code: 'XLINK_REQUIRED' });
  expect(await statuses()).toEqual([401, 200]);
  await api.admin('PUT', '/mode', { mode: 'hybrid' });
  expect(await statuses()).toEqual([200, 200]);
  expect((await api.admin('PUT', '/mode', { mode: 'yolo' })).status).toBe(422);
  expect((await api.admin('GET', '/mode')).body).toMatchObject({ mode: 'hybrid' });
});

test('a signature of RFC 9421 does for callers without our library', async () => {
  const byXlink = api.byXlink(await api.customer(), { form: 'signature' });
  expect((await byXlink('POST', '/orders', BEANS)).status).toBe(201);
  expect((await byXlink('GET', '/orders')).body).toMatchObject({ orders: [BEANS] });
});

test('metrics name customers, so they are for who has the token', async () => {
  expect((await api.anonymous.get('/metrics')).status).toBe(401);
  const figures = await api.anonymous.get('/metrics').set('Authorization', `Bearer ${ADMIN_TOKEN}`);
  expect(figures.text).toMatch(/^xlink_adoption_ratio [\d.]+$/m);
});

test('health and the identity of the service are open to all', async () => {
  expect((await api.anonymous.get('/health')).body).toEqual({ status: 'ok' });
  const { body } = await api.anonymous.get('/.well-known/xlink.json');
  expect(body).toMatchObject({
    did: api.did,
    keyRecord: { did: api.did },
    versions: [1, 2, 3],
    mode: 'hybrid',
  });
});

test('the dashboard knows customers by name, and what both of their credentials did', async () => {
  const customer = await api.customer('Dora the Explorer');
  await api.byKey(customer.apiKey)('GET', '/orders');
  await api.byXlink(customer)('GET', '/orders');
  const figures = () => api.anonymous.get('/dashboard?format=json&search=dora');
  expect((await figures()).status).toBe(401);
  const { body } = await figures().auth('operator', DASHBOARD_PASSWORD);
  expect(body.clients.rows).toMatchObject([
    { name: 'dora-the-explorer', state: 'key-in-use', keyRequests: 1, xlinkRequests: 1 },
  ]);
});

test('everything outlives a restart, and no file gives a key away', async () => {
  const folder = temporaryFolder();
  const before = await Api.open(folder);
  const customer = await before.customer();
  const identity = await before.identityFor(customer, 'patient');
  const { body: order } = await before.byIdentity(identity)('POST', '/orders', BEANS);
  await before.stop();

  for (const file of ['api.sqlite', 'clients.jsonl'])
    expect(readFileSync(join(folder, file)).includes(customer.apiKey)).toBe(false);
  for (const file of ['api.sqlite', 'clients.jsonl', 'service.pkcs8'])
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);

  const after = await Api.open(folder);
  expect(after.did).toBe(before.did);
  for (const ask of [after.byKey(customer.apiKey), after.byIdentity(identity)])
    expect((await ask('GET', '/orders')).body).toEqual({ orders: [order] });
  await after.stop();
  rmSync(folder, { recursive: true });
});
