import {
  Agent,
  type AgentOptions,
  type Did,
  type Identity,
  MemoryTrustRegistry,
  type RegistryEntry,
  type TrustRegistry,
} from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { frozenClock } from '../support/clock.js';
import { unwrap } from '../support/results.js';

export const KEYS = {
  alice: await identityOf('alice', 3),
  bob: await identityOf('bob', 3),
  mallory: await identityOf('mallory', 3),
};
/** A registry between the agents and the real one, with somebody in it. */
class TamperedRegistry implements TrustRegistry {
  readonly real = new MemoryTrustRegistry();
  tamper: (entry: RegistryEntry) => RegistryEntry | undefined = (entry) => entry;
  lookup(did: Did) {
    const entry = this.real.lookup(did);
    return entry && this.tamper(entry);
  }
  register = this.real.register.bind(this.real);
  updateKeys = this.real.updateKeys.bind(this.real);
  /** From now on the entry of `did` shows these keys. */
  showKeys(did: Did, keys: unknown) {
    this.tamper = (entry) => (entry.did === did ? ({ ...entry, keys } as RegistryEntry) : entry);
  }
}

/** Alice, Bob and Mallory, all of them registered; keys are made once for this file. */
export async function cast(forBob: AgentOptions = {}) {
  const clock = frozenClock();
  const registry = new TamperedRegistry();
  const join = async (identity: Identity, options: AgentOptions = {}) => {
    const agent = new Agent({ clock, registry, ...options, identity });
    unwrap(await registry.register({ did: agent.did, keys: await agent.keyRecord() }));
    return agent;
  };
  return {
    clock,
    registry,
    alice: await join(KEYS.alice),
    bob: await join(KEYS.bob, forBob),
    mallory: await join(KEYS.mallory),
  };
}
