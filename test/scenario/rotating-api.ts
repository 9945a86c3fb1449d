import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  Agent,
  authOf,
  CachedTrustRegistry,
  DualModeAdapter,
  type Identity,
  type ManagedTrustRegistry,
} from '@private.me/xlink';
import {
  RedisClientStore,
  RedisNonceStore,
  RedisTrustRegistry,
  redisClientOptions,
} from '@private.me/xlink/redis';
import express from 'express';
import { Redis } from 'ioredis';
import { portOf, RoundRobinProxy } from './proxy.js';

interface Instance {
  readonly agent: Agent;
  readonly adapter: DualModeAdapter;
  readonly server: Server;
  readonly registry: ManagedTrustRegistry;
  readonly redis: Redis;
}

/** Two instances of one API behind a load balancer, with registry, nonces and clients in one Redis. */
export class RotatingApi {
  /** How often each order was written. */
  readonly writes = new Map<string, number>();
  readonly proxy: RoundRobinProxy;
  readonly #redisPort: number;
  readonly #keys: ReadonlyMap<string, string>;
  readonly instances: Instance[] = [];

  private constructor(proxy: RoundRobinProxy, redisPort: number, keys: ReadonlyMap<string, string>) {
    this.proxy = proxy;
    this.#redisPort = redisPort;
    this.#keys = keys;
  }

  static async start(redisPort: number, keys: ReadonlyMap<string, string>, identity: Identity) {
    const api = new RotatingApi(await RoundRobinProxy.start(), redisPort, keys);
    for (const at of [0, 1]) await api.#deploy(at, { identity });
    return api;
  }

  /** One instance after the other gets other identities. */
  async roll(identities: { readonly identity: Identity; readonly successor?: Identity }): Promise<void> {
    for (const at of [0, 1]) {
      const { server } = this.instances[at]!;
      await this.proxy.remove(portOf(server));
      await this.#stop(this.instances[at]!);
      await this.#deploy(at, identities);
    }
  }

  /** A registry over the same entries, for whoever is not an instance. */
  registry(): { readonly registry: RedisTrustRegistry; readonly end: () => void } {
    const client = this.#connect();
    const registry = new RedisTrustRegistry({ client });
    return { registry, end: () => client.disconnect() };
  }

  async report() {
    for (const { adapter } of this.instances) await adapter.close();
    return this.instances[0]!.adapter.report({ quietMs: 0, recentMs: 86_400_000 });
  }

  async close(): Promise<void> {
    await this.proxy.close();
    for (const instance of this.instances) await this.#stop(instance);
  }

  async #stop({ adapter, server, registry, redis }: Instance): Promise<void> {
    await adapter.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await registry.close?.();
    redis.disconnect();
  }

  #connect(): Redis {
    return new Redis({ host: '127.0.0.1', port: this.#redisPort, ...redisClientOptions.ioredis });
  }

  async #deploy(at: number, identities: { readonly identity: Identity; readonly successor?: Identity }) {
    const redis = this.#connect();
    const limits = { timeoutMs: 10_000 }; // a busy machine is not what this is about
    const registry = new CachedTrustRegistry({
      registry: new RedisTrustRegistry({ client: redis, ...limits }),
    });
    const nonceStore = new RedisNonceStore({ client: redis, ...limits });
    const agent = new Agent({ ...identities, name: 'orders', registry, nonceStore });
    const adapter = new DualModeAdapter({
      agent,
      mode: 'hybrid',
      clients: new RedisClientStore({ client: redis, ...limits }),
      legacyKeyValidator: (key) =>
        this.#keys.has(key) ? { clientId: this.#keys.get(key), scopes: ['orders'] } : null,
      clientFlushIntervalMs: 20,
      enrollmentsPerMinute: 1000,
    });
    // The load balancer is the one to close what is idle: else it may use a connection that is being closed.
    const server = createServer({ keepAliveTimeout: 0 }, this.#app(adapter)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.instances[at] = { agent, adapter, server, registry, redis };
    this.proxy.add(portOf(server));
  }

  #app(adapter: DualModeAdapter) {
    const app = express();
    app.use(adapter.middleware(), express.json());
    const by = (req: object) => {
      const auth = authOf(req);
      return auth?.mode === 'xlink' ? { client: auth.client, did: auth.did, scopes: auth.scopes } : undefined;
    };
    app.post('/orders', (req, res) => {
      const { id } = req.body as { id: string };
      this.writes.set(id, (this.writes.get(id) ?? 0) + 1);
      res.status(201).json({ id, by: by(req) });
    });
    app.get('/orders/:id', (req, res) => {
      res.json({ id: req.params.id, writes: this.writes.get(req.params.id) ?? 0, by: by(req) });
    });
    return app;
  }
}
