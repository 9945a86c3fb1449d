import { expect, test } from '@jest/globals';
import { requestBinding } from '@private.me/xlink';
import { BY_EMAIL, ORDER, SCOPE, Shop } from './shop.js';

test('an envelope for another service buys nothing here', async () => {
  const shop = await Shop.open();
  const other = await shop.world.agent('another service');
  const stolen = await shop.envelope(ORDER, { to: other.did });
  expect((await shop.post(stolen)).said).toBe('401 RECIPIENT_MISMATCH');
  expect(shop.fake.requests).toEqual([]);
});

test.each(['POST /api/orders', 'POST /api/purchase?tier=enterprise', 'PUT /api/purchase'])(
  'a message that is bound to %s buys nothing here',
  async (request) => {
    const shop = await Shop.open();
    const stolen = await shop.envelope(ORDER, { request });
    expect((await shop.post(stolen)).said).toBe('401 REQUEST_BINDING_MISMATCH');
    expect(shop.fake.requests).toEqual([]);
  },
);

test('a request that was made for another target buys nothing here, and one for this target does', async () => {
  const shop = await Shop.open();
  const sealed = async (target: string) =>
    shop.post(
      await shop.buyer.createRequest({
        to: shop.service.did,
        payload: { ...ORDER, idempotencyKey: target },
        scope: SCOPE,
        request: requestBinding('POST', target),
      }),
      { 'content-type': 'application/xlink-envelope' },
    );
  expect((await sealed('/api/orders')).said).toBe('401 REQUEST_BINDING_MISMATCH');
  expect((await sealed('/api/purchase')).said).toBe('200');
});

test('a request is not taken as a message, whose key could be changed on the way', async () => {
  const shop = await Shop.open();
  const request = await shop.buyer.createRequest({
    to: shop.service.did,
    payload: ORDER,
    scope: SCOPE,
    request: requestBinding('POST', '/api/purchase'),
  });
  expect((await shop.post(request, { 'idempotency-key': 'k' })).said).toBe('400 KIND_NOT_ACCEPTED');
});

test('a key that is put beside a sealed request is not seen', async () => {
  const shop = await Shop.open();
  const request = await shop.buyer.createRequest({
    to: shop.service.did,
    payload: ORDER,
    scope: SCOPE,
    request: requestBinding('POST', '/api/purchase'),
  });
  const headers = { 'content-type': 'application/xlink-envelope', 'idempotency-key': 'of a thief' };
  expect((await shop.post(request, headers)).said).toBe('400 IDEMPOTENCY_KEY_MISSING');
});

test('another scope, a stranger, a revoked one, and a changed envelope buy nothing', async () => {
  const shop = await Shop.open();
  const all = await shop.world.agent('with all scopes', { sendScopes: ['*'] });
  expect((await shop.post(await shop.envelope(ORDER, { from: all, scope: 'orders' }))).said).toBe(
    '403 SCOPE_DENIED',
  );
  const stranger = await shop.world.stranger('stranger');
  expect((await shop.post(await shop.envelope(ORDER, { from: stranger }))).status).toBe(401);
  const envelope = await shop.envelope();
  expect((await shop.post({ ...envelope, from: all.did })).said).toBe(
    '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
  );
  const { signature: _, ...unsigned } = envelope;
  expect((await shop.post(unsigned)).status).toBe(400);
  await shop.world.registry.revoke(shop.buyer.did);
  expect((await shop.post(await shop.envelope())).status).toBe(403);
  expect(shop.fake.requests).toEqual([]);
});

test('a bad envelope with an e-mail address in it is not tried as a purchase by e-mail', async () => {
  const shop = await Shop.open();
  const envelope = await shop.envelope();
  const mixed = await shop.post(
    { ...BY_EMAIL, ...envelope, signature: 'A'.repeat(86) },
    { 'idempotency-key': 'k' },
  );
  expect(mixed.status).toBe(400);
  for (const name of ['signature', 'nonce', 'payload'])
    expect((await shop.post({ ...BY_EMAIL, [name]: 'x' }, { 'idempotency-key': 'k' })).status).toBe(400);
  expect(shop.fake.requests).toEqual([]);
});

test.each([
  ['no body', '', {}, '400 BODY_INVALID'],
  ['no JSON', '{"aci":', {}, '400 BODY_INVALID'],
  ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, '400 BODY_INVALID'],
  ['an array', '[]', {}, '422 ORDER_INVALID'],
  ['null', 'null', {}, '422 ORDER_INVALID'],
  [
    'a form',
    'email=a@example.com',
    { 'content-type': 'application/x-www-form-urlencoded' },
    '401 CREDENTIALS_MISSING',
  ],
  ['a key', JSON.stringify(BY_EMAIL), { authorization: 'Bearer sk_live_1' }, '401 XLINK_REQUIRED'],
  ['too much', JSON.stringify({ ...BY_EMAIL, aci: 'x'.repeat(33_000) }), {}, '413 BODY_TOO_LARGE'],
  ['too much, sealed', 'x'.repeat(33_000), { 'content-type': 'application/xlink-envelope' }, '413'],
  [
    'an address with a line break',
    JSON.stringify({ ...BY_EMAIL, email: 'a@example.com\r\nBcc: b@example.com' }),
    {},
    '422 ORDER_INVALID',
  ],
  ['a control character', JSON.stringify({ ...BY_EMAIL, email: 'a\0@example.com' }), {}, '422 ORDER_INVALID'],
])('%s buys nothing', async (_, body, headers, said) => {
  const shop = await Shop.open();
  const answer = await shop.post(body, { 'idempotency-key': 'k', ...headers });
  expect(answer.said).toMatch(new RegExp(`^${said}`));
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.text).not.toMatch(/Bcc|sk_live|example/);
  expect(shop.fake.requests).toEqual([]);
});

test('an address with a line break inside an envelope is refused as well', async () => {
  const shop = await Shop.open();
  const answer = await shop.post(
    await shop.envelope({ ...ORDER, email: 'a@example.com\nBcc: b@example.com' }),
  );
  expect([answer.said, answer.body.field]).toEqual(['422 ORDER_INVALID', 'email']);
});

test('by e-mail 10 a minute from one address, whatever X-Client-Type and X-Forwarded-For say', async () => {
  const shop = await Shop.open();
  const spoofed = { 'x-client-type': 'ai-agent', 'idempotency-key': 'k' };
  const statuses = [];
  for (let at = 0; at < 11; at++) {
    const answer = await shop.post(
      { ...BY_EMAIL, email: `a${at}@example.com` },
      { ...spoofed, 'x-forwarded-for': `192.0.2.${at}` },
    );
    statuses.push(answer.status);
    if (at === 10) expect([answer.said, answer.headers['retry-after']]).toEqual(['429 RATE_LIMITED', '60']);
  }
  expect(statuses).toEqual([...Array(10).fill(200), 429]);
  expect((await shop.buy('k')).said).toBe('200'); // who proves an identity is counted by that
  shop.world.clock.advance(59_999);
  expect((await shop.post(BY_EMAIL, spoofed)).headers['retry-after']).toBe('1');
  shop.world.clock.advance(1);
  expect((await shop.post(BY_EMAIL, spoofed)).said).toBe('200');
});

test('behind a proxy that is trusted, the addresses it names count', async () => {
  const shop = await Shop.open({ app: { trustProxy: 'loopback' } });
  const from = async (ip: string) =>
    (await shop.post(BY_EMAIL, { 'idempotency-key': 'k', 'x-forwarded-for': ip })).status;
  for (let at = 0; at < 10; at++) await from(`2001:db8::${at}`);
  expect([await from('2001:db8::77'), await from('2001:db8:0:1::1'), await from('192.0.2.1')]).toEqual([
    429, 200, 200,
  ]);
});

test('by identity 60 a minute, with and without X-Client-Type, and only what was verified counts', async () => {
  const shop = await Shop.open();
  const other = await shop.another('other');
  const envelope = await shop.envelope();
  for (let at = 0; at < 70; at++) await shop.post({ ...envelope, signature: 'A'.repeat(86) }); // in the name of the buyer
  const statuses = [];
  for (let at = 0; at < 61; at++) statuses.push((await shop.buy('k')).status);
  expect(statuses).toEqual([...Array(60).fill(200), 429]);
  const headers = { 'x-client-type': 'ai-agent', 'idempotency-key': 'k' };
  expect((await shop.post(await shop.envelope(), headers)).said).toBe('429 RATE_LIMITED');
  expect((await shop.post(await shop.envelope(ORDER, { from: other }), headers)).said).toBe('200');
  shop.world.clock.advance(60_000);
  expect((await shop.buy('k')).said).toBe('200');
});

test('a store of limits that is away refuses nobody, and this process counts', async () => {
  const shop = await Shop.open({ app: { limits: { take: () => Promise.reject(new Error('away')) } } });
  const statuses = [];
  for (let at = 0; at < 11; at++)
    statuses.push((await shop.post(BY_EMAIL, { 'idempotency-key': 'k' })).status);
  expect(statuses).toEqual([...Array(10).fill(200), 429]);
  expect(shop.faults).toHaveLength(11);
});
