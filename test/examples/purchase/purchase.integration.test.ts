import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { requestBinding, type Version, xlinkFetch } from '@private.me/xlink';
import { afterTest } from '../../support/after-test.js';
import { DAY } from '../../support/clock.js';
import { BY_EMAIL, ORDER, SCOPE, Shop } from './shop.js';
import { PURCHASE } from './stripe-package.js';

test.each<Version>([1, 2, 3])('an envelope of version %i buys: the answer of the papers', async (version) => {
  const shop = await Shop.open();
  const buyer = await shop.another(`buyer ${version}`, version);
  const envelope = await shop.envelope(ORDER, { from: buyer });
  const { status, body, headers } = await shop.post(envelope, { 'x-client-type': 'ai-agent' });
  expect(status).toBe(200);
  expect(body).toEqual({
    xlinkAuthenticated: true,
    agentDid: buyer.did,
    connectionId: expect.stringMatching(/^conn_[0-9a-f-]{36}$/),
    email: `agent-${buyer.did.slice('did:key:'.length)}@private.me`,
    trialEnd: '2025-04-01T12:00:00.000Z',
    subscriptionId: 'sub_1',
  });
  expect(headers['cache-control']).toBe('no-store');
});

test('Stripe is told who bought what, and when the trial ends', async () => {
  const shop = await Shop.open();
  const { body } = await shop.post(
    await shop.envelope({ ...ORDER, tier: 'enterprise', email: 'Ada.L@Example.COM' }),
  );
  expect(body.email).toBe('Ada.L@example.com');
  expect(shop.fake.customers).toEqual([expect.objectContaining({ email: 'Ada.L@example.com' })]);
  const [subscription] = shop.fake.subscriptions;
  expect(subscription).toMatchObject({
    customer: 'cus_1',
    trial_end: Date.parse('2025-04-01T12:00:00Z') / 1000,
    items: { data: [{ price: { id: 'price_enterprise' } }] },
    metadata: { agentDid: shop.buyer.did, connectionId: body.connectionId, aci: 'xlink' },
  });
});

test('an e-mail address buys, and is no identity', async () => {
  const shop = await Shop.open();
  const { status, body } = await shop.post(BY_EMAIL, { 'idempotency-key': 'k' });
  expect([status, body]).toEqual([
    200,
    {
      xlinkAuthenticated: false,
      connectionId: expect.any(String),
      email: 'ada@example.com',
      trialEnd: '2025-04-01T12:00:00.000Z',
      subscriptionId: 'sub_1',
    },
  ]);
});

test('xlinkFetch finds the service, signs all of the request, and gets a sealed answer', async () => {
  const shop = await Shop.open();
  const call = xlinkFetch({
    agent: shop.buyer,
    scope: SCOPE,
    clock: shop.world.clock,
    unsafeAllowHttp: true,
    unsafeAllowPrivateAddresses: true,
  } as never);
  const buy = (headers = {}) =>
    call(shop.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(ORDER),
    });
  const key = { 'Idempotency-Key': 'one' };
  const [first, second] = [await buy(key), await buy(key)];
  expect(await first.json()).toMatchObject({ xlinkAuthenticated: true, agentDid: shop.buyer.did });
  expect(await second.json()).toMatchObject({ subscriptionId: 'sub_1' });
  expect(second.headers.get('idempotent-replayed')).toBe('true');
  expect((await buy()).status).toBe(400); // a request has no id of its own that a retry could name
  expect(shop.charged).toBe(1);
});

test('the lines of the README buy', async () => {
  const shop = await Shop.open();
  const blocks = [...readFileSync(`${PURCHASE}/README.md`, 'utf8').matchAll(/```js\n([^`]+)```/g)];
  const lines = blocks.map(([, block]) => block).find((block) => block!.includes('createEnvelope'));
  const program = lines!.replace('https://api.example.com/api/purchase', shop.url);
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  const answer = await new AsyncFunction('agent', 'serviceDid', `${program}; return answer;`)(
    shop.buyer,
    shop.service.did,
  );
  expect(await answer.json()).toMatchObject({ xlinkAuthenticated: true, subscriptionId: 'sub_1' });
});

test('a message may be bound to the endpoint', async () => {
  const shop = await Shop.open();
  const envelope = await shop.envelope(ORDER, { request: requestBinding('POST', '/api/purchase') });
  expect((await shop.post(envelope)).status).toBe(200);
});

test.each([
  ['the moment before day 30', 30 * DAY - 1, {}],
  ['day 30', 30 * DAY, { link: expect.stringContaining('xlink.json') }],
  ['the moment before day 60', 60 * DAY - 1, { link: expect.any(String) }],
  ['day 60', 60 * DAY, { deprecation: '@1740916800', sunset: 'Tue, 01 Apr 2025 12:00:00 GMT' }],
  ['the moment before day 90', 90 * DAY - 1, { deprecation: '@1740916800' }],
])('by e-mail, %s', async (_, after, expected) => {
  const shop = await Shop.open();
  shop.world.clock.advance(after);
  const { status, headers, body } = await shop.post(BY_EMAIL, { 'idempotency-key': 'k' });
  expect(status).toBe(200);
  expect(headers).toMatchObject(expected);
  if (after < 30 * DAY) expect(headers.link).toBeUndefined();
  if (after < 60 * DAY)
    expect([headers['deprecation'], headers['sunset'], body.notice]).toEqual(Array(3).fill(undefined));
  else
    expect(body.notice).toBe(
      'Purchases by e-mail address end on 2025-04-01T12:00:00.000Z. Sign orders with an xLink identity.',
    );
});

test('by e-mail, day 90: XLINK_REQUIRED, and envelopes go on', async () => {
  const shop = await Shop.open();
  await shop.post(BY_EMAIL, { 'idempotency-key': 'k' });
  shop.world.clock.advance(90 * DAY);
  const { said, headers } = await shop.post(BY_EMAIL, { 'idempotency-key': 'another' });
  expect([said, headers['www-authenticate']]).toEqual(['401 XLINK_REQUIRED', 'Xlink realm="purchase"']);
  const { body, headers: answered } = await shop.buy('k');
  expect([body.xlinkAuthenticated, body.notice, answered.deprecation]).toEqual([true, undefined, undefined]);
  expect(shop.charged).toBe(2);
});

test('what is not there, is said so', async () => {
  const shop = await Shop.open();
  const answer = await fetch(shop.url.replace('purchase', 'purchases'), { method: 'POST' });
  expect([answer.status, (await answer.json()).code]).toEqual([404, 'NOT_FOUND']);
});

test('without its package, Stripe says what to install', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xlink-purchase-'));
  afterTest(() => rmSync(folder, { recursive: true }));
  for (const file of ['stripe.mjs', 'errors.mjs']) cpSync(`${PURCHASE}/${file}`, `${folder}/${file}`);
  const program = `import('${folder}/stripe.mjs').then((m) => m.openStripe({ apiKey: 'k' })).catch((e) => console.log(e.message))`;
  const said = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  expect(said.trim()).toBe('Stripe needs its package: npm ci --prefix examples/purchase');
});
