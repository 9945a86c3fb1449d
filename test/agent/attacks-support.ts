import {
  Agent,
  type AgentOptions,
  type Did,
  type Identity,
  MemoryTrustRegistry,
  type RegistryEntry,
  type TrustRegistry,
  type Version,
} from '@private.me/xlink';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { frozenClock } from '../support/clock.js';
import { sealed } from '../support/forge.js';
import { unwrap } from '../support/results.js';

export const KEYS = {
  alice: await identityOf('alice', 3),
  bob: await identityOf('bob', 3),
  mallory: await identityOf('mallory', 3),
};

/** What Alice sends to Bob, sealed in the version that both have unless said otherwise. */
export const fromAlice = (version: Version = 3, content = '"hi"') =>
  sealed(KEYS.alice, KEYS.bob, encodeUtf8(content), { version });

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

/**
 * Alice, Bob and Mallory, all of them registered for every scope; keys are made once for this file. `sendersVersion` is that of
 * the records of Alice and Mallory: a receiver takes nothing below it.
 */
export async function cast(forBob: AgentOptions = {}, sendersVersion: Version = 3) {
  const clock = frozenClock();
  const registry = new TamperedRegistry();
  const join = async (identity: Identity, options: AgentOptions = {}) => {
    const agent = new Agent({ clock, registry, ...options, identity });
    const anyScope = { sendScopes: ['*'], receiveScopes: ['*'] };
    unwrap(await registry.register({ did: agent.did, keys: await agent.keyRecord(), ...anyScope }));
    return agent;
  };
  return {
    clock,
    registry,
    alice: await join(await identityOf('alice', sendersVersion)),
    bob: await join(KEYS.bob, forBob),
    mallory: await join(await identityOf('mallory', sendersVersion)),
  };
}
