import { createHash } from 'node:crypto';
import { BaseAgent as Agent } from '../../src/agent/agent.js';
import type { AgentOptions } from '../../src/agent/options.js';
import { Identity } from '../../src/identity/identity.js';
import { MemoryTrustRegistry } from '../../src/registry/memory.js';
import { LoopbackTransport } from '../../src/transport/loopback.js';
import type { Version } from '../../src/types/protocol.js';
import { type FrozenClock, frozenClock } from './clock.js';
import { unwrap } from './results.js';

/** A seed that is the same in every run, another one for every name. */
export const seedOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(name).digest());

export const identityOf = (name: string, maxVersion: Version = 2): Promise<Identity> =>
  Identity.fromSeed(seedOf(name), { maxVersion });

/** One registry, one transport and one clock, and agents that share them. */
export class World {
  readonly clock: FrozenClock = frozenClock();
  readonly registry = new MemoryTrustRegistry();
  readonly transport = new LoopbackTransport();

  /** An agent whose DID follows from its name. */
  async agent(name: string, options: AgentOptions = {}): Promise<Agent> {
    const { clock, registry, transport } = this;
    return unwrap(await Agent.fromSeed({ seed: seedOf(name), name, clock, registry, transport, ...options }));
  }
}

/** Two agents that know each other. */
export async function pair(forAlice: AgentOptions = {}, forBob: AgentOptions = {}) {
  const world = new World();
  const alice = await world.agent('alice', forAlice);
  const bob = await world.agent('bob', forBob);
  return { world, alice, bob };
}
