import { describe, expect, test } from '@jest/globals';
import { type ClientActivity, type ClientRecord, MemoryClientStore } from '@private.me/xlink';
import { mergeActivity } from '@private.me/xlink/server';

const EMPTY = { keyRequests: 0, xlinkRequests: 0, failures: {} };
const activity = (client: string, more: Partial<ClientActivity> = {}): ClientActivity => ({
  client,
  ...EMPTY,
  ...more,
});

describe('mergeActivity', () => {
  const full: ClientActivity = activity('acme', {
    keyRequests: 3,
    xlinkRequests: 4,
    lastKeyUse: 10,
    lastXlinkUse: 20,
    lastFailure: 30,
    failures: { SCOPE_DENIED: 1, REPLAY_DETECTED: 2 },
  });

  test('begins a record', () => {
    expect(mergeActivity(undefined, full)).toEqual({ ...full, dids: [] });
    expect(mergeActivity(undefined, activity('acme'))).toEqual({ client: 'acme', dids: [], ...EMPTY });
  });

  test('adds counts, and takes the later of two times in either order', () => {
    const more = activity('acme', {
      keyRequests: 1,
      lastKeyUse: 5,
      lastXlinkUse: 25,
      failures: { SCOPE_DENIED: 4, TIMESTAMP_EXPIRED: 1 },
    });
    const merged = {
      client: 'acme',
      dids: [],
      keyRequests: 4,
      xlinkRequests: 4,
      lastKeyUse: 10,
      lastXlinkUse: 25,
      lastFailure: 30,
      failures: { SCOPE_DENIED: 5, REPLAY_DETECTED: 2, TIMESTAMP_EXPIRED: 1 },
    };
    expect(mergeActivity(mergeActivity(undefined, full), more)).toEqual(merged);
    expect(mergeActivity(mergeActivity(undefined, more), full)).toEqual(merged);
  });

  test('takes a time of zero for a time', () => {
    expect(mergeActivity(undefined, activity('acme', { lastKeyUse: 0 })).lastKeyUse).toBe(0);
  });

  test('keeps what it does not know about, and changes neither of the two', () => {
    const record: ClientRecord = { client: 'acme', dids: ['did:key:a'], ...EMPTY, keyOffSince: 7 };
    const before = structuredClone([record, full]);
    expect(mergeActivity(record, full)).toEqual({ ...full, dids: ['did:key:a'], keyOffSince: 7 });
    expect([record, full]).toEqual(before);
  });
});

describe('MemoryClientStore', () => {
  test('knows nobody at first', () => {
    const store = new MemoryClientStore();
    expect([store.get('acme'), store.clientOf('did:key:a'), store.list()]).toEqual([
      undefined,
      undefined,
      [],
    ]);
  });

  test('links a DID to the first client that asks, for good', () => {
    const store = new MemoryClientStore();
    expect(store.link('did:key:a', 'acme')).toBe('acme');
    expect(store.link('did:key:a', 'bolt')).toBe('acme');
    expect(store.link('did:key:a', 'acme')).toBe('acme');
    expect(store.link('did:key:b', 'acme')).toBe('acme');
    expect([store.clientOf('did:key:a'), store.get('bolt')]).toEqual(['acme', undefined]);
    expect(store.get('acme')).toEqual({ client: 'acme', dids: ['did:key:a', 'did:key:b'], ...EMPTY });
  });

  test('adds activity to the records of several clients', () => {
    const store = new MemoryClientStore();
    store.link('did:key:a', 'acme');
    store.add([activity('acme', { keyRequests: 1, lastKeyUse: 1 }), activity('bolt', { xlinkRequests: 2 })]);
    store.add([activity('acme', { keyRequests: 1, lastKeyUse: 2 }), activity('acme', { keyRequests: 1 })]);
    store.add([]);
    expect(store.list()).toEqual([
      { client: 'acme', dids: ['did:key:a'], ...EMPTY, keyRequests: 3, lastKeyUse: 2 },
      { client: 'bolt', dids: [], ...EMPTY, xlinkRequests: 2 },
    ]);
  });

  test('switches a key off and on', () => {
    const store = new MemoryClientStore();
    store.add([activity('acme', { keyRequests: 1 })]);
    store.setKeyOff('acme', 0);
    expect(store.get('acme')).toMatchObject({ keyOffSince: 0, keyRequests: 1 });
    store.setKeyOff('acme', undefined);
    expect(store.get('acme')).toEqual({ client: 'acme', dids: [], ...EMPTY, keyRequests: 1 });
    store.setKeyOff('bolt', 5);
    expect(store.get('bolt')?.keyOffSince).toBe(5);
  });

  test('goes on after a restart from what list() said, also through JSON', () => {
    const store = new MemoryClientStore();
    store.link('did:key:a', 'acme');
    store.add([activity('acme', { keyRequests: 7, failures: { SCOPE_DENIED: 1 } })]);
    store.setKeyOff('acme', 5);
    const restarted = new MemoryClientStore(JSON.parse(JSON.stringify(store.list())));
    expect(restarted.list()).toEqual(store.list());
    expect(restarted.link('did:key:a', 'bolt')).toBe('acme');
    restarted.add([activity('acme', { keyRequests: 1 })]);
    expect([restarted.get('acme')?.keyRequests, store.get('acme')?.keyRequests]).toEqual([8, 7]);
  });

  test('a record that was handed out does not change', () => {
    const store = new MemoryClientStore();
    store.link('did:key:a', 'acme');
    const before = store.get('acme');
    const copy = structuredClone(before);
    store.add([activity('acme', { keyRequests: 1, failures: { SCOPE_DENIED: 1 } })]);
    store.link('did:key:b', 'acme');
    store.setKeyOff('acme', 1);
    expect(before).toEqual(copy);
  });

  test('clients may be called anything', () => {
    const store = new MemoryClientStore();
    for (const client of ['__proto__', 'constructor', '', 'a b'])
      store.add([activity(client, { keyRequests: 1 })]);
    expect(store.list().map(({ client, keyRequests }) => [client, keyRequests])).toEqual([
      ['__proto__', 1],
      ['constructor', 1],
      ['', 1],
      ['a b', 1],
    ]);
  });
});
