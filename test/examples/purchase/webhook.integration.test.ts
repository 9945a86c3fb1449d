import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { ORDER, Shop, type ShopOptions } from './shop.js';

const at = (shop: Shop) => Math.floor(shop.world.clock() / 1000);

/** An event of Stripe about a subscription. */
const event = (shop: Shop, id: string, status: string, { ago = 0, type = 'updated', ...object } = {}) => ({
  id,
  object: 'event',
  type: `customer.subscription.${type}`,
  created: at(shop) - ago,
  data: { object: { id: 'sub_1', object: 'subscription', status, ...object } },
});

const opened = async (options: ShopOptions = {}) => {
  const shop = await Shop.open(options);
  return { shop, updated: event(shop, 'evt_1', 'active') };
};

test('an event is handled once, however often and wherever it comes', async () => {
  const { shop, updated } = await opened({ instances: 4 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) => shop.event(updated, { at: at % 4 })),
  );
  expect(new Set(answers.map(({ said, text }) => said + text))).toEqual(new Set(['200{"received":true}']));
  await shop.event(updated, { timestamp: at(shop) - 1 });
  expect(shop.news).toEqual(['sub_1 active']);
});

test.each<[string, object]>([
  ['of another secret', { secret: 'whsec_of_a_thief' }],
  ['for another body', { body: '{"id":"evt_2"}' }],
  ['that is none', { signature: 't=,v1=' }],
  ['that is empty', { signature: '' }],
  ['with a time that is none', { signature: 't=soon,v1=00' }],
])('a signature %s is refused', async (_, call) => {
  const { shop, updated } = await opened();
  expect((await shop.event(updated, call)).said).toBe('400 WEBHOOK_INVALID');
  expect(shop.news).toEqual([]);
});

test('a signature with several times is refused, whichever of them is good', async () => {
  const { shop, updated } = await opened();
  const payload = JSON.stringify(updated);
  for (const [signed, other] of [
    [at(shop), 1],
    [at(shop) + 4000, at(shop)],
    [at(shop) - 4000, at(shop)],
  ] as const) {
    const signature = shop.signature(payload, signed);
    for (const both of [`t=${other},${signature}`, `${signature},t=${other}`])
      expect((await shop.event(updated, { signature: both })).said).toBe('400 WEBHOOK_INVALID');
  }
  expect(shop.news).toEqual([]);
});

test.each([
  'null',
  '[]',
  '"text"',
  '{"type":"customer.subscription.updated","id":"evt_1","created":1}',
  '{"type":"customer.subscription.updated","id":"evt_1","created":1,"data":{"object":{"id":"../purchase/x","status":"active"}}}',
  '{"type":"customer.subscription.updated","id":"evt_1","created":"1","data":{"object":{"id":"sub_1","status":"active"}}}',
])('%s, well signed, is no event', async (body) => {
  const { shop, updated } = await opened();
  const signature = shop.signature(body, at(shop));
  expect((await shop.event(updated, { body, signature })).said).toBe('400 WEBHOOK_INVALID');
});

test('no signature at all', async () => {
  const { shop, updated } = await opened();
  const url = shop.url.replace('purchase', 'webhooks/payment');
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(updated) });
  expect(answer.status).toBe(400);
  expect((await fetch(url, { method: 'POST' })).status).toBe(400);
});

test.each([
  ['five minutes old', -300, '200'],
  ['older', -301, '400 WEBHOOK_INVALID'],
  ['five minutes ahead', 300, '200'],
  ['further ahead', 301, '400 WEBHOOK_INVALID'],
])('a call that is %s', async (_, seconds, said) => {
  const { shop, updated } = await opened();
  expect((await shop.event(updated, { timestamp: at(shop) + seconds })).said).toBe(said);
});

test('a body that is too large', async () => {
  const { shop, updated } = await opened();
  expect((await shop.event({ ...updated, more: 'x'.repeat(300_000) })).said).toBe('413 BODY_TOO_LARGE');
});

test('events come in any order: what is older is no news, and the end is the end', async () => {
  const { shop } = await opened();
  await shop.event(event(shop, 'evt_2', 'past_due'));
  await shop.event(event(shop, 'evt_1', 'trialing', { ago: 60, type: 'created' }));
  await shop.event(event(shop, 'evt_3', 'past_due'));
  await shop.event(event(shop, 'evt_4', 'canceled', { type: 'deleted' }));
  await shop.event(event(shop, 'evt_5', 'active'));
  expect(shop.news).toEqual(['sub_1 past_due', 'sub_1 canceled']);
});

test('an event of no interest is taken and forgotten', async () => {
  const { shop } = await opened();
  expect((await shop.event({ ...event(shop, 'evt_1', 'x'), type: 'invoice.paid' })).said).toBe('200');
  expect(shop.news).toEqual([]);
});

test('a purchase whose charge was never recorded is made whole by its event', async () => {
  const { shop } = await opened({ app: { paymentTimeoutMs: 2000 } });
  shop.fake.trouble = (request) => (request.includes('subscriptions') ? 'hang-after' : undefined);
  expect((await shop.buy('k')).said).toBe('503 PAYMENT_OUTCOME_UNKNOWN');
  const { metadata } = shop.fake.subscriptions[0]!;
  await shop.event(event(shop, 'evt_1', 'trialing', { type: 'created', metadata } as object));
  const before = shop.fake.requests.length;
  const { said, body, headers } = await shop.buy('k');
  expect([said, body.subscriptionId, headers['idempotent-replayed']]).toEqual(['200', 'sub_1', 'true']);
  expect(shop.fake.requests.length).toBe(before);
});

test('a late event of an old purchase does not end a new one under the same key', async () => {
  const { shop } = await opened();
  await shop.buy('k');
  const { metadata } = shop.fake.subscriptions[0]!;
  shop.world.clock.advance(24 * 3_600_000);
  expect((await shop.buy('k', { ...ORDER, paymentMethod: 'pm_card_declined' })).said).toBe(
    '402 PAYMENT_DECLINED',
  );
  await shop.event(event(shop, 'evt_1', 'active', metadata ? ({ metadata } as object) : {}));
  expect((await shop.buy('k', { ...ORDER, paymentMethod: 'pm_card_declined' })).said).toBe(
    '402 PAYMENT_DECLINED',
  );
});

test.each([[{ purchase: 'unknown.1' }], [{ purchase: '' }], [{}]])(
  'an event whose purchase is not known here (%j) makes none',
  async (metadata) => {
    const store = new MemoryOperationsStore();
    const { shop } = await opened({ storeOf: () => store });
    expect((await shop.event(event(shop, 'evt_1', 'active', { metadata } as object))).said).toBe('200');
    expect(store.list('purchase')).toEqual([]);
  },
);

test('a store that is away: 503, so that Stripe sends it again', async () => {
  const store = new MemoryOperationsStore();
  const { shop, updated } = await opened({ storeOf: () => store });
  const { load } = store;
  store.load = () => {
    throw new Error('away');
  };
  expect((await shop.event(updated)).said).toBe('503 STORE_UNAVAILABLE');
  store.load = load;
  expect((await shop.event(updated)).said).toBe('200');
  expect(shop.news).toEqual(['sub_1 active']);
});
