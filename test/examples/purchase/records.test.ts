import { expect, test } from '@jest/globals';
import { MemoryOperationsStore, type OperationsStore } from '@private.me/xlink';
import { frozenClock, MINUTE } from '../../support/clock.js';

const { PurchaseRecords } = await import(
  new URL('../../../examples/purchase/records.mjs', import.meta.url).href
);

function world(store: OperationsStore = new MemoryOperationsStore()) {
  const clock = frozenClock();
  const records = new PurchaseRecords(store, clock);
  let orders = 0;
  const begin = () => records.begin('id', 'hash', () => ({ order: (orders += 1) }));
  const state = async () => {
    const { state, attempt } = JSON.parse((await store.load('purchase/id'))!.json);
    return `${state} ${attempt}`;
  };
  return { clock, records, begin, state };
}

test('who lost a run to another does not end that one by failing late', async () => {
  const { clock, records, begin, state } = world();
  const first = await begin();
  clock.advance(2 * MINUTE);
  const second = await begin();
  await records.fail('id', first, 'unknown');
  await records.fail('id', first, 'declined');
  expect(await state()).toBe('running 1');
  await records.fail('id', second, 'declined');
  await records.fail('id', second, 'declined');
  expect(await state()).toBe('failed 2');
});

test('who lost a run and was paid all the same, ends it', async () => {
  const { clock, records, begin, state } = world();
  await begin();
  clock.advance(2 * MINUTE);
  const second = await begin();
  await records.complete('id', 1, 'sub_1');
  expect(await records.fail('id', second, 'unknown')).toMatchObject({
    state: 'done',
    subscriptionId: 'sub_1',
  });
  await records.complete('id', 1, 'sub_2');
  expect(await begin()).toMatchObject({ state: 'done', subscriptionId: 'sub_1' });
  expect(await state()).toBe('done 1');
});

test('a key whose day ends while a run holds it starts no second one', async () => {
  const { clock, records, begin, state } = world();
  const first = await begin();
  await records.fail('id', first, 'unknown');
  clock.advance(24 * 60 * MINUTE - MINUTE);
  await begin();
  clock.advance(MINUTE + 1);
  await expect(begin()).rejects.toMatchObject({ code: 'PURCHASE_IN_PROGRESS', retryAfterMs: MINUTE - 1 });
  await records.complete('id', 1, 'sub_1');
  expect(await state()).toBe('done 1');
  expect(await begin()).toMatchObject({ state: 'running', generation: 2 });
});

test('how long to wait is how long the run may take, and a second at least', async () => {
  const { clock, begin } = world();
  await begin();
  await expect(begin()).rejects.toMatchObject({ retryAfterMs: 2 * MINUTE });
  clock.advance(2 * MINUTE - 1);
  await expect(begin()).rejects.toMatchObject({ retryAfterMs: 1000 });
});

test('a record that is not there is not made by its end', async () => {
  const store = new MemoryOperationsStore();
  const { records } = world(store);
  await records.complete('id', 1, 'sub_1');
  expect(store.list('purchase')).toEqual([]);
});

test('a store that shows one version and holds another is given up on', async () => {
  const store = new MemoryOperationsStore();
  store.save = () => false;
  await expect(world(store).begin()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
