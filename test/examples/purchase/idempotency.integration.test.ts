import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { HOUR, MINUTE } from '../../support/clock.js';
import { BY_EMAIL, ORDER, Shop } from './shop.js';

test('a new envelope under the same key gets the stored answer, and nothing is charged', async () => {
  const shop = await Shop.open();
  const first = await shop.buy('order-1');
  const second = await shop.buy('order-1');
  expect(second.text).toBe(first.text);
  expect([first.headers['idempotent-replayed'], second.headers['idempotent-replayed']]).toEqual([
    undefined,
    'true',
  ]);
  expect(shop.charged).toBe(1);
});

test('the same envelope is a replay, whatever the key beside it', async () => {
  const shop = await Shop.open();
  const envelope = await shop.envelope();
  const said = [];
  for (const key of ['order-1', 'order-1', 'order-2'])
    said.push((await shop.post(envelope, { 'idempotency-key': key })).said);
  expect(said).toEqual(['200', '409 REPLAY_DETECTED', '409 REPLAY_DETECTED']);
  expect(shop.charged).toBe(1);
});

test.each<[string, object]>([
  ['tier', { ...ORDER, tier: 'enterprise' }],
  ['payment method', { ...ORDER, paymentMethod: 'pm_other' }],
  ['address', { ...ORDER, email: 'other@example.com' }],
])('the same key with another %s is refused, while it runs and afterwards', async (_, other) => {
  const { provider, finish } = slowProvider();
  const shop = await Shop.open({ provider });
  const running = shop.buy('order-1');
  await finish.begun;
  expect((await shop.buy('order-1', other)).said).toBe('422 IDEMPOTENCY_KEY_REUSED');
  finish.now();
  expect((await running).said).toBe('200');
  expect((await shop.buy('order-1', other)).said).toBe('422 IDEMPOTENCY_KEY_REUSED');
});

test('while it runs: 409 and Retry-After', async () => {
  const { provider, finish } = slowProvider();
  const shop = await Shop.open({ provider });
  const running = shop.buy('order-1');
  await finish.begun;
  const { said, headers } = await shop.buy('order-1');
  expect([said, headers['retry-after']]).toEqual(['409 PURCHASE_IN_PROGRESS', '120']);
  finish.now();
  expect((await running).body.subscriptionId).toBe('sub_slow');
  expect((await shop.buy('order-1')).said).toBe('200');
});

test('a key is remembered for 24 hours, and then free', async () => {
  const shop = await Shop.open();
  const first = await shop.buy('order-1');
  shop.world.clock.advance(24 * HOUR - 1);
  expect((await shop.buy('order-1')).text).toBe(first.text);
  shop.world.clock.advance(1);
  const { said, body } = await shop.buy('order-1', { ...ORDER, tier: 'middle' });
  expect([said, body.subscriptionId, shop.charged]).toEqual(['200', 'sub_2', 2]);
});

test('what is over is swept, and nothing else', async () => {
  const store = new MemoryOperationsStore();
  const shop = await Shop.open({ storeOf: () => store });
  const kept = () => store.list('purchase').length;
  await shop.buy('order-1');
  shop.world.clock.advance(24 * HOUR);
  await shop.buy('order-2');
  shop.world.clock.advance(24 * HOUR - 1);
  await shop.records.sweep();
  expect(kept()).toBe(2);
  shop.world.clock.advance(1);
  await shop.records.sweep();
  expect(kept()).toBe(1);
});

test('without a key, the id of the envelope is the key: it names the purchase in a retry', async () => {
  const shop = await Shop.open();
  const envelope = await shop.envelope();
  const first = await shop.post(envelope);
  expect((await shop.post(await shop.envelope())).body.subscriptionId).toBe('sub_2');
  expect((await shop.buy(envelope.nonce)).text).toBe(first.text);
});

test('the key in the envelope counts, and a header that says otherwise is refused before anything runs', async () => {
  const shop = await Shop.open();
  const sealed = () => shop.envelope({ ...ORDER, idempotencyKey: 'order-1' });
  const first = await shop.post(await sealed());
  const changed = await shop.post(await sealed(), { 'idempotency-key': 'order-2' });
  expect(changed.said).toBe('400 IDEMPOTENCY_KEY_MISMATCH');
  expect((await shop.post(await sealed(), { 'idempotency-key': '"order-1"' })).text).toBe(first.text);
  expect(shop.charged).toBe(1);
});

test('a purchase by e-mail needs a key, and has its own', async () => {
  const shop = await Shop.open();
  expect((await shop.post(BY_EMAIL)).said).toBe('400 IDEMPOTENCY_KEY_MISSING');
  const key = { 'idempotency-key': 'order-1' };
  const first = await shop.post(BY_EMAIL, key);
  expect((await shop.post(BY_EMAIL, key)).text).toBe(first.text);
  expect((await shop.post({ ...BY_EMAIL, email: 'bob@example.com' }, key)).body.subscriptionId).toBe('sub_2');
  expect((await shop.buy('order-1')).body.subscriptionId).toBe('sub_3');
});

test('two agents may choose the same key', async () => {
  const shop = await Shop.open();
  const other = await shop.another('other');
  const [first, second] = [
    await shop.buy('order-1'),
    await shop.post(await shop.envelope(ORDER, { from: other }), { 'idempotency-key': 'order-1' }),
  ];
  expect([first.body.agentDid, second.body.agentDid]).toEqual([shop.buyer.did, other.did]);
  expect(shop.charged).toBe(2);
});

test('a run that ended without a word is taken over after two minutes, with the order as it was', async () => {
  const { provider, finish, orders } = slowProvider();
  const shop = await Shop.open({ provider });
  void shop.buy('order-1').catch(() => {});
  await finish.begun;
  shop.world.clock.advance(2 * MINUTE - 1);
  expect((await shop.buy('order-1')).said).toBe('409 PURCHASE_IN_PROGRESS');
  shop.world.clock.advance(1);
  const second = shop.buy('order-1');
  while (orders.length < 2) await new Promise(setImmediate);
  finish.now();
  expect((await second).said).toBe('200');
  expect(orders[1]).toEqual(orders[0]);
});

test('records of a store that is away: 503, nothing is charged without a record', async () => {
  const store = new MemoryOperationsStore();
  let isAway = true;
  const failing = new Proxy(store, {
    get: (target, name) =>
      isAway ? () => Promise.reject(new Error('away')) : Reflect.get(target, name).bind(target),
  });
  const shop = await Shop.open({ storeOf: () => failing });
  expect((await shop.buy('order-1')).said).toBe('503 STORE_UNAVAILABLE');
  expect(shop.fake.requests).toEqual([]);
  isAway = false;
  expect((await shop.buy('order-1')).said).toBe('200');
});

test('the store goes away between charge and record: 503, and a retry after two minutes finds what was made', async () => {
  const store = new MemoryOperationsStore();
  const shop = await Shop.open({ storeOf: () => store });
  const save = store.save.bind(store);
  store.save = (id, json, version) => {
    if (JSON.parse(json).state === 'done') throw new Error('away');
    return save(id, json, version);
  };
  const { said, headers } = await shop.buy('order-1');
  expect([said, headers['retry-after'], shop.charged]).toEqual(['503 STORE_UNAVAILABLE', '5', 1]);
  store.save = save;
  expect((await shop.buy('order-1')).said).toBe('409 PURCHASE_IN_PROGRESS');
  shop.world.clock.advance(2 * MINUTE);
  expect((await shop.buy('order-1')).body.subscriptionId).toBe('sub_1');
  expect(shop.charged).toBe(1);
});

/** A provider that answers when it is told to. */
function slowProvider() {
  const begun = deferred();
  const released = deferred();
  const orders: unknown[] = [];
  const provider = {
    async subscribe(order: unknown, run: unknown) {
      orders.push({ order, run });
      begun.resolve();
      await released.promise;
      return { subscriptionId: 'sub_slow' };
    },
    readEvent: () => undefined,
  };
  return { provider, orders, finish: { begun: begun.promise, now: () => released.resolve() } };
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('an e-mail address is one buyer, in capitals or not', async () => {
  const shop = await Shop.open();
  const headers = { 'idempotency-key': 'mail-1' };
  const first = await shop.post(BY_EMAIL, headers);
  const again = await shop.post({ ...BY_EMAIL, email: 'ADA@Example.COM' }, headers);
  expect([first.said, again.said, again.headers['idempotent-replayed'], shop.charged]).toEqual([
    '200',
    '200',
    'true',
    1,
  ]);
});
