import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  Agent,
  authOf,
  type Brownout,
  DualModeAdapter,
  generateIdentity,
  MemoryClientStore,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type Mode,
} from '@private.me/xlink';
import express from 'express';
import { unwrap } from '../support/results.js';
import { portOf, RoundRobinProxy } from './proxy.js';

interface Instance {
  readonly adapter: DualModeAdapter;
  readonly server: Server;
}

/** Several instances of one API behind a load balancer. What they share stands for shared stores. */
export class Cluster {
  /** How often each order was written. */
  readonly writes = new Map<string, number>();
  readonly proxy: RoundRobinProxy;
  readonly #registry = new MemoryTrustRegistry();
  readonly #nonceStore = new MemoryNonceStore();
  readonly #clients = new MemoryClientStore();
  readonly #keys: ReadonlyMap<string, string>;
  readonly #pkcs8: Uint8Array;
  readonly #instances: Instance[] = [];
  #mode: Mode = 'observe';
  /** Added to the clock of the adapters, so that hours can pass. */
  skipMs = 0;
  readonly clock = (): number => Date.now() + this.skipMs;
  #brownouts: Brownout[] = [];

  private constructor(proxy: RoundRobinProxy, keys: ReadonlyMap<string, string>, pkcs8: Uint8Array) {
    this.proxy = proxy;
    this.#keys = keys;
    this.#pkcs8 = pkcs8;
  }

  /** `keys`: client ids by API key. */
  static async start(size: number, keys: ReadonlyMap<string, string>): Promise<Cluster> {
    const pkcs8 = unwrap(await generateIdentity()).exportPKCS8();
    const cluster = new Cluster(await RoundRobinProxy.start(), keys, pkcs8);
    for (let at = 0; at < size; at++) await cluster.#deploy(at);
    return cluster;
  }

  setMode(mode: Mode): void {
    this.#mode = mode;
    for (const { adapter } of this.#instances) adapter.setMode(mode);
  }

  scheduleBrownout(brownout: Brownout): void {
    this.#brownouts.push(brownout);
    for (const { adapter } of this.#instances) adapter.scheduleBrownout(brownout);
  }

  /** A deploy: the instance finishes what it has, writes what it counted, stops, and another takes its place. */
  async restart(at: number): Promise<void> {
    const { adapter, server } = this.#instances[at]!;
    await this.proxy.remove(portOf(server));
    await adapter.close();
    server.closeIdleConnections();
    await new Promise((resolve) => server.close(resolve));
    await this.#deploy(at);
  }

  async report() {
    for (const { adapter } of this.#instances) await adapter.close();
    return this.#instances[0]!.adapter.report({ quietMs: 1000, recentMs: 86_400_000 });
  }

  async close(): Promise<void> {
    await this.proxy.close();
    for (const { adapter, server } of this.#instances) {
      await adapter.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async #deploy(at: number): Promise<void> {
    const agent = unwrap(
      await Agent.importIdentity({
        pkcs8: this.#pkcs8,
        name: 'orders',
        registry: this.#registry,
        nonceStore: this.#nonceStore,
      }),
    );
    const adapter = new DualModeAdapter({
      agent,
      mode: this.#mode,
      clients: this.#clients,
      legacyKeyValidator: (key) =>
        this.#keys.has(key) ? { clientId: this.#keys.get(key), scopes: ['orders'] } : null,
      brownouts: this.#brownouts,
      clock: this.clock,
      clientFlushIntervalMs: 20,
      enrollmentsPerMinute: 100,
    });
    // The load balancer is the one to close what is idle: else it may use a connection that is being closed.
    const server = createServer({ keepAliveTimeout: 0 }, this.#app(adapter)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#instances[at] = { adapter, server };
    this.proxy.add(portOf(server));
  }

  #app(adapter: DualModeAdapter) {
    const app = express();
    app.use(adapter.middleware(), express.json());
    app.post('/orders', (req, res) => {
      const { id } = req.body as { id: string };
      this.writes.set(id, (this.writes.get(id) ?? 0) + 1);
      res.status(201).json({ id, client: clientOf(req), by: authOf(req)?.mode });
    });
    app.get('/orders/:id', (req, res) => {
      res.json({
        id: req.params.id,
        writes: this.writes.get(req.params.id) ?? 0,
        client: clientOf(req),
        by: authOf(req)?.mode,
      });
    });
    return app;
  }
}

function clientOf(req: object): unknown {
  const auth = authOf(req);
  return auth?.mode === 'xlink' ? auth.client : auth?.clientId;
}
