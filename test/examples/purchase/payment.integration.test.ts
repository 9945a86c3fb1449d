import { expect, jest, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { BY_EMAIL, ORDER, Shop } from './shop.js';

const recordsIn = (store: MemoryOperationsStore) =>
  store.list('purchase').map(({ json }) => JSON.parse(json));

test('a decline: 402, the record says so, and a retry is a new attempt', async () => {
  const store = new MemoryOperationsStore();
  const shop = await Shop.open({ storeOf: () => store });
  const order = { ...ORDER, paymentMethod: 'pm_card_declined' };
  expect((await shop.buy('k', order)).said).toBe('402 PAYMENT_DECLINED');
  expect(recordsIn(store)).toMatchObject([{ state: 'failed', reason: 'declined', attempt: 2 }]);
  expect((await shop.buy('k', order)).said).toBe('402 PAYMENT_DECLINED');
  expect(shop.fake.requests.filter((request) => request.endsWith('/attach'))).toHaveLength(2); // Stripe was asked anew
  expect([shop.charged, shop.fake.customers.length]).toEqual([0, 1]);
  expect((await shop.buy('k', ORDER)).said).toBe('422 IDEMPOTENCY_KEY_REUSED');
  expect((await shop.buy('k2', ORDER)).said).toBe('200');
});

test('a card that is declined at the subscription and then good: one charge', async () => {
  const shop = await Shop.open();
  const order = { ...ORDER, paymentMethod: 'pm_card_declined_once' };
  expect((await shop.buy('k', order)).said).toBe('402 PAYMENT_DECLINED');
  expect((await shop.buy('k', order)).said).toBe('200');
  expect((await shop.buy('k', order)).headers['idempotent-replayed']).toBe('true');
  expect([shop.charged, shop.fake.customers.length]).toEqual([1, 1]);
});

test('a payment method that Stripe does not know is a decline', async () => {
  const shop = await Shop.open();
  expect((await shop.buy('k', { ...ORDER, paymentMethod: 'card_1' })).said).toBe('402 PAYMENT_DECLINED');
});

test('50 retries of a decline at once: one of them pays', async () => {
  const shop = await Shop.open({ app: { limits: { take: () => ({ count: 1, resetMs: 1 }) } } });
  const order = { ...ORDER, paymentMethod: 'pm_card_declined_once' };
  await shop.buy('k', order);
  const answers = await Promise.all(Array.from({ length: 50 }, () => shop.buy('k', order)));
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  expect(new Set(answers.map(({ status }) => status)).size).toBeLessThanOrEqual(2); // 200, 409
  expect(shop.charged).toBe(1);
});

test.each(['drop', 'unavailable'] as const)(
  'Stripe is away (%s): 503, and a retry pays once',
  async (trouble) => {
    const store = new MemoryOperationsStore();
    const shop = await Shop.open({ storeOf: () => store });
    shop.fake.trouble = () => trouble;
    const { said, headers } = await shop.buy('k');
    expect([said, headers['retry-after']]).toEqual(['503 PAYMENT_OUTCOME_UNKNOWN', '5']);
    expect(recordsIn(store)).toMatchObject([{ state: 'failed', reason: 'unknown', attempt: 1 }]);
    expect(shop.faults).toMatchObject([{ code: 'PAYMENT_OUTCOME_UNKNOWN' }]);
    shop.fake.trouble = () => undefined;
    expect((await shop.buy('k')).said).toBe('200');
    expect(shop.charged).toBe(1);
  },
);

test('Stripe fails and, as it does, repeats that for a day: never charged twice, and then the key is free', async () => {
  const shop = await Shop.open();
  shop.fake.trouble = (request) => (request.includes('subscriptions') ? 'error' : undefined);
  expect((await shop.buy('k')).said).toBe('503 PAYMENT_OUTCOME_UNKNOWN');
  shop.fake.trouble = () => undefined;
  expect((await shop.buy('k')).said).toBe('503 PAYMENT_OUTCOME_UNKNOWN');
  shop.world.clock.advance(24 * 3_600_000);
  expect((await shop.buy('k')).said).toBe('200');
  expect(shop.charged).toBe(1);
});

test('Stripe charges and then fails: the webhook says what came of it', async () => {
  const shop = await Shop.open();
  shop.fake.trouble = (request) => (request.includes('subscriptions') ? 'error-after' : undefined);
  expect((await shop.buy('k')).said).toBe('503 PAYMENT_OUTCOME_UNKNOWN');
  shop.fake.trouble = () => undefined;
  const [object] = shop.fake.subscriptions;
  const created = Math.floor(shop.world.clock() / 1000);
  await shop.event({ id: 'evt_1', type: 'customer.subscription.created', created, data: { object } });
  expect((await shop.buy('k')).body.subscriptionId).toBe('sub_1');
  expect(shop.charged).toBe(1);
});

test('Stripe refuses connections: the same', async () => {
  const shop = await Shop.open();
  await shop.fake.stop();
  expect((await shop.buy('k')).said).toBe('503 PAYMENT_OUTCOME_UNKNOWN');
});

test('Stripe charges and its answer is lost: the retry of the client of Stripe finds what was made', async () => {
  const shop = await Shop.open();
  const seen = new Set<string>();
  shop.fake.trouble = (request) => {
    const isFirst = !seen.has(request);
    seen.add(request);
    return isFirst ? 'drop-after' : undefined;
  };
  expect((await shop.buy('k')).said).toBe('200'); // each call lost its first answer
  expect([shop.charged, shop.fake.customers.length]).toEqual([1, 1]);
});

test('Stripe charges and never answers: 503 in time, and the retry finds what was made', async () => {
  const shop = await Shop.open({ app: { paymentTimeoutMs: 2000 } });
  shop.fake.trouble = (request) => (request.includes('subscriptions') ? 'hang-after' : undefined);
  expect((await shop.buy('k')).said).toBe('503 PAYMENT_OUTCOME_UNKNOWN');
  expect(shop.charged).toBe(1);
  shop.fake.trouble = () => undefined;
  expect((await shop.buy('k')).body.subscriptionId).toBe('sub_1');
  expect(shop.charged).toBe(1);
});

test('the client of Stripe gives up by itself, too', async () => {
  const shop = await Shop.open({ timeoutMs: 1000 });
  shop.fake.trouble = (request) => (request.includes('subscriptions') ? 'hang-after' : undefined);
  expect((await shop.buy('k')).said).toBe('503 PAYMENT_OUTCOME_UNKNOWN');
  expect(shop.charged).toBe(1);
});

test('time passes between charge and retry: the retry repeats the first order to the letter', async () => {
  const shop = await Shop.open({ timeoutMs: 1000 });
  shop.fake.trouble = (request) => (request.includes('subscriptions') ? 'hang-after' : undefined);
  await shop.buy('k');
  shop.fake.trouble = () => undefined;
  shop.world.clock.advance(23 * 3_600_000);
  const { said, body } = await shop.buy('k');
  expect([said, body.trialEnd, shop.charged]).toEqual(['200', '2025-04-01T12:00:00.000Z', 1]);
});

test('the records are lost after the charge: a retry is refused rather than charged again', async () => {
  const shop = await Shop.open();
  await shop.buy('k');
  await shop.serve({
    agent: shop.service,
    provider: shop.provider,
    xlinkSince: new Date(shop.world.clock()),
    store: new MemoryOperationsStore(),
    onFault: () => {},
    clock: shop.world.clock,
  });
  shop.world.clock.advance(1000);
  expect((await shop.buy('k', ORDER, 1)).said).toBe('503 PAYMENT_OUTCOME_UNKNOWN');
  expect(shop.charged).toBe(1);
});

test('two e-mail buyers and an agent get customers of their own', async () => {
  const shop = await Shop.open();
  await shop.post(BY_EMAIL, { 'idempotency-key': 'k' });
  await shop.post({ ...BY_EMAIL, email: 'b@example.com' }, { 'idempotency-key': 'k' });
  await shop.buy('k');
  expect(shop.fake.customers.map(({ email }) => email)).toEqual([
    'ada@example.com',
    'b@example.com',
    expect.stringMatching(/^agent-z/),
  ]);
});

test('what goes wrong is logged without anything from the buyer, Stripe or the keys', async () => {
  const lines: unknown[] = [];
  const print = jest.spyOn(console, 'error').mockImplementation((line) => void lines.push(line));
  try {
    const shop = await Shop.open({ app: { onFault: undefined } });
    shop.fake.trouble = () => 'unavailable';
    await shop.post(BY_EMAIL, { 'idempotency-key': 'secret-key' });
    expect(lines).toEqual([
      '{"code":"PAYMENT_OUTCOME_UNKNOWN","cause":"StripeAPIError","request":"req_fake"}',
    ]);
  } finally {
    print.mockRestore();
  }
});

test.each([
  ['xlinkSince', { xlinkSince: new Date('soon') }],
  ['paymentTimeoutMs', { paymentTimeoutMs: 120_000 }],
  ['paymentTimeoutMs', { paymentTimeoutMs: Number.NaN }],
])('%s that would do harm is refused at the start: %o', async (name, app) => {
  await expect(Shop.open({ app })).rejects.toThrow(name);
});
