import type { RedisClient } from '@private.me/xlink/redis';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';

/** A client as an application would make it. */
export interface MadeClient {
  readonly client: RedisClient;
  end(): void;
}

type Address = { readonly host: string; readonly port: number };

/** Clients of both packages. What they emit as errors is of no interest: the calls reject. */
export const CLIENTS: Readonly<
  Record<
    string,
    { one(address: Address): Promise<MadeClient>; cluster(nodes: Address[]): Promise<MadeClient> }
  >
> = {
  ioredis: {
    async one({ host, port }) {
      const client = new Redis({ host, port, retryStrategy: () => 50 });
      client.on('error', () => {});
      return { client, end: () => client.disconnect() };
    },
    async cluster(nodes) {
      const client = new Cluster(nodes, { clusterRetryStrategy: () => 50 });
      client.on('error', () => {});
      return { client, end: () => client.disconnect() };
    },
  },
  'node-redis': {
    async one({ host, port }) {
      const client = createClient({ socket: { host, port, reconnectStrategy: () => 50 } });
      client.on('error', () => {});
      await client.connect();
      return { client, end: () => client.destroy() };
    },
    async cluster(nodes) {
      const client = createCluster({
        rootNodes: nodes.map((socket) => ({ socket })),
        defaults: { socket: { reconnectStrategy: () => 50 } },
      });
      client.on('error', () => {});
      await client.connect();
      return { client, end: () => client.destroy() };
    },
  },
};
