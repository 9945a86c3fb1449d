import { randomBytes } from 'node:crypto';
import { MemoryKeyStore, RedisNonceStore } from '@private.me/xlink';
import {
  type RedisClient,
  RedisClientStore,
  RedisKeyStore,
  RedisLeafStore,
  RedisLimitStore,
  RedisModeStore,
  RedisOperationsStore,
  RedisRelayStore,
  RedisSequenceStore,
  RedisTicketKeyStore,
  RedisTrustRegistry,
  RedisWrappingKeyStore,
} from '@private.me/xlink/redis';
import type { Envelope, OnWarning } from '../../../src/index.js';
import { unwrap } from '../../support/results.js';
import { newUse, quietly, someDid } from './nonce-clients.js';

// The stores that there are in Redis, as one.

/** A call of a store: what it rejects with if Redis is away, and the call. */
export type StoreCall = readonly [code: string, call: () => Promise<unknown>];

export interface StoreSettings {
  readonly timeoutMs?: number;
  readonly onWarning?: OnWarning;
  /** Tells the tests of one server apart. */
  readonly prefix?: string;
}

type Make = (client: RedisClient, settings: Required<StoreSettings>) => readonly StoreCall[];

const did = someDid();
const NOWHERE = new MemoryKeyStore().wrappingKeys;

/** By name. The first call of each writes, so that a call that is made late is seen. */
const STORES: Readonly<Record<string, Make>> = {
  RedisNonceStore(client, { prefix, ...settings }) {
    const store = new RedisNonceStore({ client, keyPrefix: `${prefix}nonce:`, ...settings });
    /** As an agent asks. */
    const accept = async (use = newUse()) => !(await store.seen(use)) && store.claim(use, 61_000);
    return [
      ['NONCE_STORE_UNAVAILABLE', () => accept()],
      ['NONCE_STORE_UNAVAILABLE', () => store.seen(newUse())],
    ];
  },
  RedisSequenceStore(client, { prefix, ...settings }) {
    const store = new RedisSequenceStore({ client, keyPrefix: `${prefix}sequence:`, ...settings });
    const claim = () => {
      const sid = randomBytes(16).toString('base64url');
      return store.claimSequence({ sender: did, sid, seq: 5, timestamp: newUse().timestamp }, 61_000);
    };
    return [['NONCE_STORE_UNAVAILABLE', claim]];
  },
  RedisLeafStore(client, { prefix, ...settings }) {
    const store = new RedisLeafStore({ client, keyPrefix: `${prefix}leaves:`, ...settings });
    const sid = randomBytes(16).toString('base64url');
    return [
      ['SESSION_STORE_UNAVAILABLE', () => store.keep({ sid, seq: 5, leaf: sid })],
      ['SESSION_STORE_UNAVAILABLE', () => store.take(sid, 0, 9)],
    ];
  },
  RedisTicketKeyStore(client, { prefix, ...settings }) {
    const store = new RedisTicketKeyStore({ client, keyPrefix: `${prefix}ticket-key:`, ...settings });
    const name = randomBytes(8).toString('hex');
    return [
      ['SESSION_STORE_UNAVAILABLE', () => store.keep(name, 'sealed', 61_000)],
      ['SESSION_STORE_UNAVAILABLE', () => store.read(name)],
    ];
  },
  RedisClientStore(client, { prefix, ...settings }) {
    const store = new RedisClientStore({ client, keyPrefix: `${prefix}clients:`, ...settings });
    const used = { client: 'acme', keyRequests: 1, xlinkRequests: 0, failures: {} };
    return [
      ['CLIENT_STORE_UNAVAILABLE', () => store.add([used])],
      ['CLIENT_STORE_UNAVAILABLE', () => store.link(did, 'acme')],
      ['CLIENT_STORE_UNAVAILABLE', () => store.setKeyOff('acme', 5)],
      ['CLIENT_STORE_UNAVAILABLE', () => store.list()],
    ];
  },
  RedisKeyStore(client, { prefix, ...settings }) {
    const store = new RedisKeyStore({ client, key: `${prefix}keys`, wrappingKeys: NOWHERE, ...settings });
    const version = async () => (await store.load())?.version ?? 0;
    const value = { did, epochs: [], highest: 0, derivedUntil: 0 };
    return [
      ['KEY_STORE_UNAVAILABLE', async () => store.save(value, await version())],
      ['KEY_STORE_UNAVAILABLE', () => store.load()],
    ];
  },
  RedisWrappingKeyStore(client, { prefix, ...settings }) {
    const store = new RedisWrappingKeyStore({ client, key: `${prefix}wrapping-keys`, ...settings });
    return [
      ['KEY_STORE_UNAVAILABLE', () => store.put(randomBytes(16).toString('hex'), randomBytes(32))],
      ['KEY_STORE_UNAVAILABLE', () => store.get('a')],
      ['KEY_STORE_UNAVAILABLE', () => store.ids()],
      ['KEY_STORE_UNAVAILABLE', () => store.destroy('a')],
    ];
  },
  RedisModeStore(client, { prefix, ...settings }) {
    const store = new RedisModeStore({ client, key: `${prefix}mode`, ...settings });
    const version = async () => (await store.load())?.version ?? 0;
    return [
      ['MODE_STORE_UNAVAILABLE', async () => store.save({ mode: 'hybrid', since: 1 }, await version())],
      ['MODE_STORE_UNAVAILABLE', () => store.load()],
    ];
  },
  RedisLimitStore(client, { prefix, ...settings }) {
    const store = new RedisLimitStore({ client, keyPrefix: `${prefix}limit:`, ...settings });
    return [['LIMIT_STORE_UNAVAILABLE', () => store.take('acme', 60_000)]];
  },
  RedisOperationsStore(client, { prefix, ...settings }) {
    const store = new RedisOperationsStore({ client, keyPrefix: `${prefix}operations:`, ...settings });
    const version = async () => (await store.load('kind/name'))?.version ?? 0;
    return [
      ['OPERATIONS_STORE_UNAVAILABLE', async () => store.save('kind/name', '{}', await version())],
      ['OPERATIONS_STORE_UNAVAILABLE', () => store.load('kind/name')],
      ['OPERATIONS_STORE_UNAVAILABLE', () => store.list('kind')],
      ['OPERATIONS_STORE_UNAVAILABLE', async () => store.remove('kind/name', await version())],
    ];
  },
  RedisTrustRegistry(client, { prefix, ...settings }) {
    const registry = new RedisTrustRegistry({ client, keyPrefix: `${prefix}registry:`, ...settings });
    return [
      ['REGISTRATION_FAILED', async () => unwrap(await registry.add(did))],
      ['LOOKUP_FAILED', () => registry.lookup(did)],
      ['LOOKUP_FAILED', () => registry.list()],
    ];
  },
  RedisRelayStore(client, { prefix, ...settings }) {
    const store = new RedisRelayStore({ client, keyPrefix: `${prefix}relay:`, ...settings });
    const posted = () => {
      const envelope = { from: did, to: did, nonce: randomBytes(16).toString('base64url') };
      return { envelope: envelope as unknown as Envelope, bytes: 100, copiesForMs: 361_000 };
    };
    return [
      ['RELAY_UNAVAILABLE', () => store.add(posted())],
      ['RELAY_UNAVAILABLE', async () => store.list(did, '', 10)],
      [
        'RELAY_UNAVAILABLE',
        async () =>
          store.ack(
            did,
            (await store.list(did, '', 1)).map(({ id }) => id),
          ),
      ],
    ];
  },
};

export const STORE_NAMES = Object.keys(STORES);

/** All calls of a store over this client. */
export const callsOf = (name: string, client: RedisClient, settings: StoreSettings = {}) =>
  STORES[name]!(client, { timeoutMs: 10_000, onWarning: quietly, prefix: '', ...settings });

/** All calls of all stores over this client. */
export const allCalls = (client: RedisClient, settings: StoreSettings = {}) =>
  STORE_NAMES.flatMap((name) => callsOf(name, client, settings));
