import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Agent,
  DualModeAdapter,
  type Gate,
  MemoryClientStore,
  MemoryNonceStore,
  MemoryTrustRegistry,
  MigrationPlan,
  type OnDowngrade,
  type RequestEvent,
  type Version,
} from '@private.me/xlink';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import express from 'express';
import { Registry } from 'prom-client';
import { identityOf } from '../support/agents.js';
import { type Sent, send } from '../support/http.js';

// An API with everything that has a metric switched on, in two instances, and those who call it.

export const JOB = 'orders';
const DAY_MS = 86_400_000;
/** When keys end, as announced. */
export const SUNSET = new Date(Math.ceil(Date.now() / 1000) * 1000 + 10 * DAY_MS);

/** A registry or store that can be switched off. */
export class Switch {
  down = false;
  around<T extends object>(store: T): T {
    return new Proxy(store, {
      get: (target, name) => {
        const value = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (this.down) throw new Error('switched off');
          return value.apply(target, args);
        };
      },
    });
  }
}

/** Who calls, by envelope. */
export interface Callers {
  readonly v1: Agent;
  readonly v2: Agent;
  readonly v3: Agent;
  readonly signer: Agent;
  readonly replayer: Agent;
  readonly both: Agent;
  readonly stranger: Agent;
}

/** What the instances share. */
export class Orders {
  readonly nonceStore = new Switch();
  readonly registrySwitch = new Switch();
  readonly #registry = new MemoryTrustRegistry();
  readonly clients = new MemoryClientStore();
  readonly instances: OrdersInstance[] = [];
  callers!: Callers;

  static async open(): Promise<Orders> {
    const orders = new Orders();
    orders.callers = {
      v1: await orders.#caller('v1', 1),
      v2: await orders.#caller('v2', 2),
      v3: await orders.#caller('v3', 3),
      signer: await orders.#caller('signer', 1),
      replayer: await orders.#caller('replayer', 1),
      both: await orders.#caller('both', 1),
      stranger: await orders.#agent('stranger', 1),
    };
    for (const onDowngrade of ['report', 'refuse'] as const)
      orders.instances.push(await orders.#instance(onDowngrade));
    return orders;
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.close()));
  }

  /** A caller whose DID belongs to the client of that name. */
  async #caller(name: string, version: Version): Promise<Agent> {
    const agent = await this.#agent(name, version);
    await this.#registry.register({ did: agent.did, keys: await agent.keyRecord() });
    this.clients.link(agent.did, name);
    return agent;
  }

  async #agent(name: string, maxVersion: Version): Promise<Agent> {
    const identity = await identityOf(name, maxVersion);
    return new Agent({ identity, name, registry: this.#registry });
  }

  async #instance(onDowngrade: OnDowngrade): Promise<OrdersInstance> {
    const nonceStore = this.nonceStore.around(new MemoryNonceStore({ coldStart: 'accept' }));
    const registry = this.registrySwitch.around(this.#registry);
    const identity = await identityOf('orders', 3);
    const agent = new Agent({ identity, name: 'orders', registry, nonceStore });
    await this.#registry.register({ did: agent.did, keys: await agent.keyRecord() });
    return OrdersInstance.listen(agent, { clients: this.clients, onDowngrade });
  }
}

/** A gate that time does not keep shut, but, if they are asked for, those who have not moved. */
const gatesWith = (requireSafeClients: boolean): readonly Gate[] => [
  {
    from: 'deprecation',
    to: 'xlink-only',
    minXlinkPercentage: 0,
    minDwellMs: 0,
    maxErrorRate: 1,
    requireSafeClients,
  },
];

interface Shared {
  readonly clients: MemoryClientStore;
  readonly onDowngrade: OnDowngrade;
}

/** One process, as far as Prometheus can tell. */
export class OrdersInstance {
  readonly adapter: DualModeAdapter;
  readonly plan: MigrationPlan;
  /** How long authentication took, as the adapter said, by method. */
  readonly measured: RequestEvent[] = [];
  readonly agent: Agent;
  readonly refusesDowngrades: boolean;
  readonly #server: Server;

  private constructor(agent: Agent, { clients, onDowngrade }: Shared) {
    this.agent = agent;
    const register = new Registry();
    this.adapter = new DualModeAdapter({
      agent,
      legacyKeyValidator: (key) => (key.startsWith('key of ') ? { clientId: key.slice(7) } : null),
      deprecation: { sunset: SUNSET },
      sessions: { handshakesPerMinute: 10_000 },
      observers: [
        prometheusMetrics({ register, maxClients: 50 }),
        (event) => void (event.type === 'request' && this.measured.push(event)),
      ],
      clients,
      onDowngrade,
    });
    this.refusesDowngrades = onDowngrade === 'refuse';
    this.plan = new MigrationPlan({ adapter: this.adapter, gates: gatesWith(!this.refusesDowngrades) });
    const app = express();
    app.get('/metrics', async (_req, res) => {
      res.type(register.contentType).send(await register.metrics());
    });
    app.use(this.adapter.middleware());
    for (const path of ['/orders', '/orders/:id', '/payments'])
      app.all(path, (_req, res) => void res.json({}));
    this.#server = createServer(app);
  }

  static async listen(agent: Agent, options: Shared): Promise<OrdersInstance> {
    const instance = new OrdersInstance(agent, options);
    instance.#server.listen(0, '127.0.0.1');
    await once(instance.#server, 'listening');
    return instance;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sends one request, and holds the status against what is expected. */
  async expect(status: number, sent: Sent): Promise<void> {
    const answer = await send((this.#server.address() as AddressInfo).port, sent);
    if (answer.status !== status)
      throw new Error(
        `${sent.method ?? ''} ${sent.path}: ${answer.status} instead of ${status}: ${answer.text}`,
      );
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    await this.adapter.close();
  }
}
