import {
  Agent,
  type AgentOptions,
  LoopbackTransport,
  MemoryClientStore,
  MemoryTrustRegistry,
  type TrustRegistry,
  type Version,
} from '@private.me/xlink';
import { ensureRegistered } from '../../src/agent/register.js';
import { identityOf } from './agents.js';
import { type FrozenClock, frozenClock } from './clock.js';
import type { ExpressSetup } from './express.js';
import type { KoaSetup } from './koa.js';
import type { Service } from './service.js';

/** A world with an API and a caller that it knows. */
export type WorldWithCaller = World & { readonly api: Agent; readonly caller: Agent };

/**
 * What a test starts from: one clock that stands still, one registry, one transport and one client store; agents that
 * share them; and APIs on free ports, which are closed after the test.
 */
export class World {
  readonly clock: FrozenClock = frozenClock();
  readonly registry = new MemoryTrustRegistry({ clock: this.clock });
  readonly transport = new LoopbackTransport();
  readonly clients = new MemoryClientStore();

  static async withCaller(forApi: AgentOptions = {}, forCaller: AgentOptions = {}): Promise<WorldWithCaller> {
    const world = new World();
    const api = await world.agent('api', forApi);
    return Object.assign(world, { api, caller: await world.agent('caller', forCaller) });
  }

  /** An agent whose DID follows from its name, in the registry. */
  async agent(name: string, options: AgentOptions = {}): Promise<Agent> {
    const { clock, registry, transport } = this;
    const maxVersion = options.maxVersion ?? (options.postQuantumSig ? 3 : 2);
    const identity = await identityOf(name, maxVersion);
    const agent = new Agent({ name, clock, registry, transport, ...options, identity });
    await ensureRegistered(agent.registry, identity, { name, clock, ...options });
    return agent;
  }

  /** An agent that sees the registry and is not in it, as before its enrollment. */
  async stranger(name: string, maxVersion: Version = 2): Promise<Agent> {
    const own = new MemoryTrustRegistry();
    const registry: TrustRegistry = {
      lookup: (did) => this.registry.lookup(did) ?? own.lookup(did),
      register: (entry) => own.register(entry),
      updateKeys: (keys) => own.updateKeys(keys),
    };
    return this.agent(name, { registry, maxVersion, ...(maxVersion === 3 ? { postQuantumSig: true } : {}) });
  }

  /** An API with Express, that of the agent `api` unless said otherwise. */
  async serve(setup: Partial<ExpressSetup> = {}): Promise<Service> {
    const { serveExpress } = await import('./express.js'); // most worlds serve nothing
    return serveExpress({ ...setup, agent: setup.agent ?? (await apiAgentOf(this)) });
  }

  /** An API with Koa, that of the agent `api` unless said otherwise. */
  async serveKoa(setup: Partial<KoaSetup> = {}): Promise<Service> {
    const { serveKoa } = await import('./koa.js');
    return serveKoa({ ...setup, agent: setup.agent ?? (await apiAgentOf(this)) });
  }
}

/** The agent of an API in this world. */
export const apiAgentOf = (world: World): Agent | Promise<Agent> =>
  (world as Partial<WorldWithCaller>).api ?? world.agent('api');

/** Two agents that know each other. */
export async function pair(forAlice: AgentOptions = {}, forBob: AgentOptions = {}) {
  const world = new World();
  const alice = await world.agent('alice', forAlice);
  const bob = await world.agent('bob', forBob);
  return { world, alice, bob };
}
