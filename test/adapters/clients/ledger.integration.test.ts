import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ClientActivity, type ClientStore, MemoryClientStore } from '@private.me/xlink';
import { ClientLedger } from '../../../src/adapters/clients/ledger.js';
import { frozenClock } from '../../support/clock.js';
import { ACME } from '../../support/http.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment, sealed, withKey } from '../requests.js';

/** A memory store that notes what is written, and fails or waits when told to. */
class WatchedStore extends MemoryClientStore {
  readonly writes: (readonly ClientActivity[])[] = [];
  down = false;
  gate: Promise<void> | undefined;

  override add(activity: readonly ClientActivity[]): Promise<void> {
    this.writes.push(activity);
    return this.#add(activity);
  }

  async #add(activity: readonly ClientActivity[]): Promise<void> {
    await this.gate;
    if (this.down) throw new Error('connection refused');
    super.add(activity);
  }
}

function ledgerOn(store: ClientStore, flushMs?: number) {
  const clock = frozenClock(1000);
  const faults: unknown[] = [];
  const ledger = new ClientLedger(store, { clock, flushMs, onFault: (error) => faults.push(error) });
  return { clock, ledger, faults };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('writes', () => {
  test('a thousand requests are one write, five seconds after the first', async () => {
    const store = new WatchedStore();
    const { ledger, clock } = ledgerOn(store);
    for (let i = 0; i < 1000; i++) {
      clock.advance(1);
      if (i % 10 === 0) ledger.keyUsed('acme');
      else ledger.xlinkUsed(i % 2 ? 'acme' : 'bolt');
    }
    await jest.advanceTimersByTimeAsync(4999);
    expect(store.writes).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(store.writes).toHaveLength(1);
    expect(store.get('acme')).toMatchObject({
      keyRequests: 100,
      xlinkRequests: 500,
      lastKeyUse: 1991,
      lastXlinkUse: 2000,
    });
    expect(store.get('bolt')).toMatchObject({ keyRequests: 0, xlinkRequests: 400, lastXlinkUse: 1999 });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(store.writes).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('a thousand requests over fifty seconds are ten', async () => {
    const store = new WatchedStore();
    const { ledger } = ledgerOn(store);
    for (let i = 0; i < 1000; i++) {
      ledger.keyUsed('acme');
      await jest.advanceTimersByTimeAsync(50);
    }
    await jest.advanceTimersByTimeAsync(5000);
    expect(store.writes).toHaveLength(10);
    expect(store.get('acme')?.keyRequests).toBe(1000);
  });

  test('flushMs says how long counts are held back', async () => {
    const store = new WatchedStore();
    const { ledger } = ledgerOn(store, 200);
    ledger.keyUsed('acme');
    await jest.advanceTimersByTimeAsync(199);
    expect(store.writes).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(store.writes).toHaveLength(1);
  });

  test('ten thousand clients at most are held back', async () => {
    const store = new WatchedStore();
    const { ledger } = ledgerOn(store);
    for (let i = 0; i < 10_001; i++) ledger.keyUsed(`client ${i}`);
    expect(store.writes.map((write) => write.length)).toEqual([10_000]);
    await ledger.flush();
    expect(store.list()).toHaveLength(10_001);
  });

  test('nothing is written for nothing', async () => {
    const store = new WatchedStore();
    const { ledger } = ledgerOn(store);
    await ledger.flush();
    ledger.keyUsed('acme');
    await ledger.flush();
    await ledger.flush();
    expect(store.writes).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('flush waits for a write that is under way already', async () => {
    const store = new WatchedStore();
    let open = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { ledger } = ledgerOn(store);
    ledger.keyUsed('acme');
    await jest.advanceTimersByTimeAsync(5000);
    let flushed = false;
    const flush = ledger.flush().then(() => {
      flushed = true;
    });
    await jest.advanceTimersByTimeAsync(0);
    expect([store.writes.length, flushed]).toEqual([1, false]);
    open();
    await flush;
    expect(store.get('acme')?.keyRequests).toBe(1);
  });
});

test('flush waits for every write that is under way, not only for its own', async () => {
  const store = new WatchedStore();
  let open = () => {};
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const { ledger } = ledgerOn(store);
  ledger.keyUsed('acme');
  const first = ledger.flush();
  store.gate = undefined;
  ledger.keyUsed('bolt');
  let flushed = false;
  const second = ledger.flush().then(() => {
    flushed = true;
  });
  await jest.advanceTimersByTimeAsync(0);
  expect([store.get('bolt')?.keyRequests, flushed]).toEqual([1, false]);
  open();
  await Promise.all([first, second]);
  expect(store.get('acme')?.keyRequests).toBe(1);
});

describe('what is counted', () => {
  test('a refused envelope is a failure of xLink; a refused key is a failure and a use of the key', async () => {
    const store = new WatchedStore();
    const { ledger, clock } = ledgerOn(store);
    ledger.failed('acme', 'xlink', 'SCOPE_DENIED');
    clock.advance(1);
    ledger.failed('acme', 'api-key', 'API_KEY_BROWNOUT');
    ledger.failed('acme', 'api-key', 'API_KEY_BROWNOUT');
    await ledger.flush();
    expect(store.get('acme')).toEqual({
      client: 'acme',
      dids: [],
      keyRequests: 0,
      xlinkRequests: 0,
      lastKeyUse: 1001,
      lastFailure: 1000,
      failures: { SCOPE_DENIED: 1, API_KEY_BROWNOUT: 2 },
    });
  });
});

describe('a store that fails', () => {
  test('loses and doubles nothing: counts and times are written when it is back', async () => {
    const store = new WatchedStore();
    const { ledger, clock, faults } = ledgerOn(store);
    store.down = true;
    ledger.keyUsed('acme');
    ledger.xlinkUsed('acme');
    ledger.failed('acme', 'xlink', 'SCOPE_DENIED');
    ledger.keyUsed('bolt');
    await jest.advanceTimersByTimeAsync(5000);
    expect([store.writes.length, store.list(), faults]).toEqual([1, [], [new Error('connection refused')]]);

    clock.advance(500);
    ledger.xlinkUsed('acme');
    ledger.failed('acme', 'api-key', 'API_KEY_BROWNOUT');
    ledger.failed('acme', 'xlink', 'SCOPE_DENIED');
    await jest.advanceTimersByTimeAsync(5000);
    expect([store.writes.length, faults.length]).toEqual([2, 2]);

    store.down = false;
    await jest.advanceTimersByTimeAsync(5000);
    expect(store.list()).toEqual([
      {
        client: 'acme',
        dids: [],
        keyRequests: 1,
        xlinkRequests: 2,
        lastKeyUse: 1500,
        lastXlinkUse: 1500,
        lastFailure: 1500,
        failures: { SCOPE_DENIED: 2, API_KEY_BROWNOUT: 1 },
      },
      { client: 'bolt', dids: [], keyRequests: 1, xlinkRequests: 0, lastKeyUse: 1000, failures: {} },
    ]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(store.writes).toHaveLength(4);
  });

  test('a time that only the failed write knew is not lost to what came in meanwhile', async () => {
    const store = new WatchedStore();
    const { ledger, clock } = ledgerOn(store);
    let open = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    store.down = true;
    ledger.keyUsed('acme');
    ledger.failed('acme', 'xlink', 'SCOPE_DENIED');
    const failing = ledger.flush();
    clock.advance(1);
    ledger.xlinkUsed('acme');
    open();
    await failing;
    store.down = false;
    await ledger.flush();
    expect(store.get('acme')).toMatchObject({
      keyRequests: 1,
      xlinkRequests: 1,
      lastKeyUse: 1000,
      lastFailure: 1000,
      lastXlinkUse: 1001,
      failures: { SCOPE_DENIED: 1 },
    });
  });

  test('later times are not replaced by earlier ones of a failed write', async () => {
    const store = new WatchedStore();
    const { ledger, clock } = ledgerOn(store);
    store.down = true;
    ledger.keyUsed('acme');
    const failing = ledger.flush();
    clock.advance(5);
    ledger.keyUsed('acme');
    await failing;
    store.down = false;
    await ledger.flush();
    expect(store.get('acme')).toMatchObject({ keyRequests: 2, lastKeyUse: 1005 });
  });

  test('a store that throws at once is no different', async () => {
    const inner = new MemoryClientStore();
    const store = breakable(inner);
    const { ledger, faults } = ledgerOn(store);
    store.down.add('add');
    ledger.keyUsed('acme');
    await ledger.flush();
    expect(faults).toHaveLength(1);
    store.down.clear();
    await jest.advanceTimersByTimeAsync(5000);
    expect(inner.get('acme')?.keyRequests).toBe(1);
  });
});

test('four ledgers on one store add up', async () => {
  const store = new WatchedStore();
  const ledgers = [1, 2, 3, 4].map(() => ledgerOn(store));
  for (const [i, { ledger, clock }] of ledgers.entries()) {
    clock.advance(i);
    for (let n = 0; n <= i; n++) ledger.keyUsed('acme');
    ledger.xlinkUsed('acme');
    ledger.failed('acme', 'xlink', i % 2 ? 'SCOPE_DENIED' : 'REPLAY_DETECTED');
  }
  await Promise.all(ledgers.reverse().map(({ ledger }) => ledger.flush()));
  expect(store.writes).toHaveLength(4);
  expect(store.get('acme')).toEqual({
    client: 'acme',
    dids: [],
    keyRequests: 10,
    xlinkRequests: 4,
    lastKeyUse: 1003,
    lastXlinkUse: 1003,
    lastFailure: 1003,
    failures: { SCOPE_DENIED: 2, REPLAY_DETECTED: 2 },
  });
});

describe('behind an adapter', () => {
  beforeEach(() => {
    jest.useRealTimers();
  });

  test('close() writes what was counted; a restart goes on from there', async () => {
    const { world, api, clock, clients, device } = await enrolled();
    const service = await world.serve({ agent: api, clock, clients });
    await service.accepted(sealed(device, api, {}, { scope: 'orders:read' }));
    await service.accepted(withKey(ACME));
    await service.quiet();
    expect(clients.get('acme')).toMatchObject({ keyRequests: 0, xlinkRequests: 0 });
    await service.adapter.close();
    expect(clients.get('acme')).toMatchObject({ keyRequests: 1, xlinkRequests: 1 });

    const saved = JSON.stringify(clients.list());
    const restarted = await world.serve({
      agent: api,
      clock,
      clients: new MemoryClientStore(JSON.parse(saved)),
    });
    const { auth } = await restarted.accepted(sealed(device, api, {}, { scope: 'orders:read' }));
    expect(auth).toMatchObject({ client: 'acme' });
    await restarted.quiet();
    const [client] = (await restarted.adapter.report()).clients;
    expect(client).toMatchObject({ client: 'acme', keyRequests: 1, xlinkRequests: 2, dids: [device.did] });
  });

  test('close() without clients, or with nothing to write, does nothing', async () => {
    const { world, api, clock, clients } = await enrolled();
    await (await world.serve({ agent: api, clock })).adapter.close();
    await (await world.serve({ agent: api, clock, clients })).adapter.close();
  });

  test('failures are counted for whoever signed, and for nobody if that is not certain', async () => {
    const { world, api, clock, clients, device, other } = await enrolled();
    const service = await world.serve({ agent: api, clock, clients });
    await service.refused(sealed(device, api, {}, { scope: 'refunds' }), '403 SCOPE_DENIED');
    const sent = await sealed(device, api, {}, { scope: 'orders:read' });
    await service.accepted(sent);
    await service.refused(sent, '409 REPLAY_DETECTED');
    const forged = JSON.stringify({ ...JSON.parse(String(sent.body)), nonce: 'A'.repeat(22) });
    await service.refused({ ...sent, body: forged }, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    await service.refused(sealed(other, api), '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
    await service.quiet();
    const { clients: found } = await service.adapter.report();
    expect(found.map(({ client, xlinkRequests, failures }) => [client, xlinkRequests, failures])).toEqual([
      ['acme', 1, { SCOPE_DENIED: 1 }],
    ]);
  });

  test('a body that is not the signed one is a failure of the client that signed', async () => {
    const { world, api, clock, clients, device } = await enrolled();
    const service = await world.serve({ agent: api, clock, clients });
    const envelope = await device.createRequest({
      to: api.did,
      signedOnly: true,
      request: 'POST /orders',
      scope: 'orders:read',
      content: Buffer.from('tea'),
    });
    const header = Buffer.from(JSON.stringify(envelope)).toString('base64url');
    await service.refused(
      { headers: { 'xlink-envelope': header }, body: 'tee' },
      '401 CONTENT_DIGEST_MISMATCH',
    );
    await service.quiet();
    const [client] = (await service.adapter.report()).clients;
    expect(client).toMatchObject({ client: 'acme', failures: { CONTENT_DIGEST_MISMATCH: 1 } });
  });

  async function enrolled() {
    const world = new World();
    const api = await world.agent('api');
    const [device, other] = [await world.stranger('device'), await world.stranger('other')];
    const service = await world.serve({ agent: api, clock: world.clock, clients: world.clients });
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    return { world, api, device, other, clock: world.clock, clients: world.clients };
  }
});
