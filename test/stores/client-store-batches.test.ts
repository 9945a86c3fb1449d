import { expect, test } from '@jest/globals';
import { type ClientActivity, MemoryClientStore } from '@private.me/xlink';
import { ClientLedger } from '../../src/adapters/clients/ledger.js';
import { frozenClock } from '../support/clock.js';

// What a store can rely on to recognize a batch.

class WatchedStore extends MemoryClientStore {
  readonly batches: { readonly name: string | undefined; readonly activity: readonly ClientActivity[] }[] =
    [];
  down = false;
  gate: Promise<void> | undefined;

  override add(activity: readonly ClientActivity[], name?: string): Promise<void> {
    this.batches.push({ name, activity: structuredClone(activity) });
    return this.#add(activity);
  }

  async #add(activity: readonly ClientActivity[]): Promise<void> {
    await this.gate;
    if (this.down) throw new Error('connection refused');
    super.add(activity);
  }
}

function made() {
  const store = new WatchedStore();
  const faults: unknown[] = [];
  const ledger = new ClientLedger(store, { clock: frozenClock(), onFault: (error) => faults.push(error) });
  return { store, faults, ledger, names: () => store.batches.map(({ name }) => name) };
}

test('every batch has a name of its own', async () => {
  const { ledger, names } = made();
  for (let i = 0; i < 3; i++) {
    ledger.keyUsed('acme');
    await ledger.flush();
  }
  expect(names().every((name) => /^[\w-]{22}$/.test(name ?? ''))).toBe(true);
  expect(new Set(names()).size).toBe(3);
});

test('what failed is given again as it was, under the same name; what came in since follows under another', async () => {
  const { ledger, store, faults, names } = made();
  store.down = true;
  ledger.keyUsed('acme');
  await ledger.flush();
  ledger.keyUsed('acme');
  ledger.xlinkUsed('bolt');
  await ledger.flush();
  store.down = false;
  await ledger.flush();
  const [first, second, third, fourth] = store.batches;
  expect(store.batches).toHaveLength(4);
  expect([second, third]).toEqual([first, first]);
  expect(fourth?.activity).toMatchObject([
    { client: 'acme', keyRequests: 1 },
    { client: 'bolt', xlinkRequests: 1 },
  ]);
  expect(new Set(names()).size).toBe(2);
  expect([faults.length, store.get('acme')?.keyRequests]).toEqual([2, 2]);
});

test('two batches that fail at once are both given again, and nothing else before', async () => {
  const { ledger, store, names } = made();
  let open = () => {};
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  store.down = true;
  ledger.keyUsed('acme');
  const first = ledger.flush();
  ledger.keyUsed('bolt');
  const second = ledger.flush();
  open();
  await Promise.all([first, second]);
  ledger.keyUsed('cask');
  await ledger.flush();
  const [a, b] = names();
  expect(names()).toEqual([a, b, a]);
  store.down = false;
  await ledger.flush();
  expect(new Set(names().slice(3, 5))).toEqual(new Set([a, b]));
  expect(store.list().map(({ keyRequests }) => keyRequests)).toEqual([1, 1, 1]);
});

test('while a store is down, ten thousand further clients are not ten thousand further writes', async () => {
  const { ledger, store } = made();
  store.down = true;
  ledger.keyUsed('acme');
  await ledger.flush();
  let open = () => {};
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  for (let at = 0; at < 10_100; at++) ledger.keyUsed(`client ${at}`);
  expect(store.batches).toHaveLength(2);
  store.down = false;
  open();
  await ledger.flush();
  expect(store.batches).toHaveLength(3);
  expect(store.list()).toHaveLength(10_101);
});
