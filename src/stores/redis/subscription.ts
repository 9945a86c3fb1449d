import type { FeedConnection } from '../../registry/change-feed.js';
import type { Deadline } from '../../util/deadline.js';
import { checkOptions } from '../../util/options.js';
import {
  type IoredisClient,
  isIoredis,
  isIoredisCluster,
  isNodeRedisCluster,
  isRedisSubscriber,
  type NodeRedisClient,
  type RedisClient,
} from './client.js';

interface Subscription {
  readonly channel: string;
  readonly heard: (message: string) => void;
  readonly lost: () => void;
}

/** The client whose settings `subscribe` takes. Throws `INVALID_OPTION` if one cannot subscribe with its like. */
export function subscriberOf(
  owner: string,
  { client, subscriber = client }: { readonly client: RedisClient; readonly subscriber?: RedisClient },
): RedisClient {
  checkOptions(owner, { subscriber }, { subscriber: isRedisSubscriber });
  return subscriber;
}

/**
 * Subscribes over a new connection with the settings of `client`: one that subscribes can do little else. It does not
 * reconnect: its owner opens another one when told that it is lost, and so knows that something was missed. In a cluster it
 * leads to any one of the masters, as messages go to all of them. It does not keep the process alive.
 */
export async function subscribe(
  client: RedisClient,
  subscription: Subscription,
  deadline: Deadline,
): Promise<FeedConnection> {
  const connection = isIoredis(client)
    ? ioredisConnection(client)
    : await nodeRedisConnection(client, deadline);
  try {
    await deadline.keep(() => connection.open(subscription));
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

interface Connection extends FeedConnection {
  open(subscription: Subscription): Promise<unknown>;
}

function ioredisConnection(client: RedisClient): Connection {
  const node = isIoredisCluster(client) ? anyOf(client.nodes('master')) : (client as IoredisClient);
  const own = node.duplicate({ lazyConnect: true, retryStrategy: null });
  return {
    async open({ channel, heard, lost }) {
      own.on('error', lost);
      own.on('end', lost);
      own.on('message', (from: string, message: string) => {
        if (from === channel) heard(message);
      });
      await own.connect();
      await own.subscribe(channel);
      own.stream?.unref?.();
    },
    ping: () => own.call('PING'),
    close: () => own.disconnect(),
  };
}

async function nodeRedisConnection(client: RedisClient, deadline: Deadline): Promise<Connection> {
  const node = isNodeRedisCluster(client)
    ? await deadline.keep(async () => client.nodeClient(anyOf(client.masters)))
    : (client as NodeRedisClient);
  const own = node.duplicate({ socket: { ...node.options?.socket, reconnectStrategy: false } });
  return {
    async open({ channel, heard, lost }) {
      for (const event of ['error', 'end']) own.on(event, lost);
      await own.connect();
      await own.subscribe(channel, (message: string) => heard(message));
      own.unref();
    },
    ping: () => own.ping(),
    close() {
      try {
        own.destroy();
      } catch {
        // closed already
      }
    },
  };
}

/** Another one the next time, if this one is down. */
function anyOf<T>(nodes: readonly T[]): T {
  if (nodes.length === 0) throw new Error('The Redis cluster is not connected.');
  return nodes[Math.floor(Math.random() * nodes.length)]!;
}
