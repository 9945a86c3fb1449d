import { createHash, randomBytes } from 'node:crypto';
import { afterEach } from '@jest/globals';
import { encodeDidKey, type NonceUse, RedisNonceStore, type RedisNonceStoreOptions } from '@private.me/xlink';
import { type RedisClient, redisClientOptions } from '@private.me/xlink/redis';
import { nonceKey } from '@private.me/xlink/server';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { identityOf } from '../../support/agents.js';
import { until } from '../../support/until.js';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

export const quietly = () => {}; // node-redis takes the process down if nobody listens to its errors

const auth = (password: string | undefined) => (password === undefined ? {} : { password });

/** With the settings each package has by itself: those are what most applications run with. Closed after the test. */
const ioredis = (port: number, password?: string) => {
  const client = new Redis({ host: '127.0.0.1', port, ...auth(password) }).on('error', quietly);
  closers.push(() => client.disconnect());
  return client;
};

const nodeRedis = (port: number, password?: string) => {
  const client = createClient({ socket: { host: '127.0.0.1', port }, ...auth(password) }).on(
    'error',
    quietly,
  );
  closers.push(() => client.isOpen && client.destroy());
  client.connect().catch(quietly);
  return client;
};

const isReady = (client: Redis | ReturnType<typeof nodeRedis>): boolean =>
  'isReady' in client ? client.isReady : client.status === 'ready';

/** `begin` does not wait until the client is connected; `connect` does. */
export const CLIENTS = [
  { name: 'ioredis', begin: ioredis },
  { name: 'node-redis', begin: nodeRedis },
].map(({ name, begin }) => ({
  name,
  begin: begin as (port: number, password?: string) => RedisClient,
  async connect(port: number, password?: string): Promise<RedisClient> {
    const client = begin(port, password);
    await until(() => isReady(client));
    return client;
  },
}));

/** The same for clusters. */
export const CLUSTER_CLIENTS: {
  name: string;
  connect: (nodes: { host: string; port: number }[]) => Promise<RedisClient>;
}[] = [
  {
    name: 'ioredis',
    async connect(nodes) {
      const client = new Cluster(nodes, { lazyConnect: true }).on('error', quietly);
      closers.push(() => client.disconnect());
      await client.connect();
      return client;
    },
  },
  {
    name: 'node-redis',
    async connect(nodes) {
      const rootNodes = nodes.map((socket) => ({ socket }));
      const client = createCluster({ rootNodes }).on('error', quietly);
      closers.push(() => client.isOpen && client.destroy());
      return client.connect();
    },
  },
];

/** A marker of the server of which {@link verified} speaks. */
export const MARKER = '1 run replication 0';

/** What the script says of a marker. */
export const verified = (marker: unknown, changes: Record<number, unknown> = {}) =>
  Object.assign([marker, 'run', String(Date.now()), 'noeviction', 0], changes);

/**
 * Answers commands by their names, as no real server might. `CLAIM` is the script that claims a nonce, and `name` what the
 * claim is called; `EVAL` is the one that verifies a marker.
 */
export type Replies = Readonly<Record<string, (key: string, name: string) => Promise<unknown>>>;

/** As a nonce that nobody has. */
export const granted = async (_: string, name: string) => name;

/** A client of ioredis, which is connected, or a pool, sentinel or client of node-redis. */
export function fakeClient(replies: Replies, extra: object = { status: 'ready' }): RedisClient {
  const answer = async (...command: string[]) =>
    command[0] !== 'EVAL'
      ? replies[command[0]!]!(command[1]!, '')
      : replies[command.length === 6 ? 'CLAIM' : 'EVAL']!(command[3]!, command[4]!);
  const client = {
    call: answer,
    sendCommand: (...args: (string[] | boolean)[]) => answer(...(args.at(-1) as string[])),
    withCommandOptions: () => client,
    multi() {},
    connect: async () => {},
    on() {},
    options: { ...redisClientOptions.ioredis, ...redisClientOptions.nodeRedis },
    ...extra,
  };
  return client as unknown as RedisClient;
}

export const TTL_MS = 61_000;

/** Patient, so that a busy machine does not fail a test that is about something else. */
export const storeOn = (client: RedisClient, options: Partial<RedisNonceStoreOptions> = {}) =>
  new RedisNonceStore({
    client,
    timeoutMs: 10_000,
    onWarning: quietly,
    ...options,
  });

const [recipient, sender] = await Promise.all(
  ['api', 'caller'].map(async (name) => (await identityOf(name)).did),
);

/** The use of a new envelope; dated ahead, so that it counts at a Redis that dates its memory only now. */
export const newUse = (changes: Partial<NonceUse> = {}): NonceUse => ({
  recipient: recipient!,
  sender: sender!,
  nonce: randomBytes(16).toString('base64url'),
  timestamp: Date.now() + 10_000,
  ...changes,
});

/** The use of an envelope that was made now. */
export const useOfNow = () => newUse({ timestamp: Date.now() });

export const someDid = () =>
  encodeDidKey(Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex'));

/** The key as it is documented. */
export function keyOf(use: NonceUse, prefix = 'nonce:'): string {
  const hash = createHash('sha256').update(nonceKey(use)).digest('base64url');
  return `${prefix}{${hash[0]}}${hash}`;
}

/** The key of the marker that tells since when the bucket of a nonce remembers. */
export const markerOf = (use: NonceUse, prefix = 'nonce:'): string =>
  `${keyOf(use, prefix).slice(0, -43)}since`;

export const BUCKETS = 64;

export const COLD_START = 'NONCE_STORE_UNAVAILABLE:COLD_START';

/** What a call resolved to, or the id of its error. */
export const idOrValue = (call: Promise<boolean>): Promise<unknown> => call.catch((error) => error.id);

export const trues = (answers: readonly boolean[]): number => answers.filter(Boolean).length;

/** What a promise settled to, and after how many ms. */
export async function timed(call: () => Promise<unknown>) {
  const began = performance.now();
  const settled = await call().then(
    (value) => ({ value, error: undefined }),
    (error) => ({ value: undefined, error }),
  );
  return { ...settled, ms: performance.now() - began };
}
