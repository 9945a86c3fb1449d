import {
  Agent,
  type AgentOptions,
  type Did,
  type Envelope,
  type ErrorId,
  type Identity,
  LoopbackTransport,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type NonceStore,
  type RegistryEntry,
  type Transport,
  type TrustRegistry,
} from '@private.me/xlink';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf, seedOf } from '../support/agents.js';
import { type FrozenClock, frozenClock } from '../support/clock.js';
import { sealed } from '../support/forge.js';
import { unwrap } from '../support/results.js';
import { type Trace, tracedNonceStore, tracedProvider, tracedRegistry } from '../support/trace.js';

/** A registry whose answers can be replaced, as if somebody had broken into it. */
class BrokenInto implements TrustRegistry {
  readonly real = new MemoryTrustRegistry();
  instead: ((did: Did) => unknown) | undefined;
  lookup = (did: Did) => (this.instead ? (this.instead(did) as RegistryEntry) : this.real.lookup(did));
  register = this.real.register.bind(this.real);
  updateKeys = this.real.updateKeys.bind(this.real);
}

const KEYS = { alice: await identityOf('alice', 3), bob: await identityOf('bob', 3) };

/** Alice, who sends, and Bob, who receives; one of them works with traced parts. */
export interface Bench {
  readonly clock: FrozenClock;
  readonly registry: BrokenInto;
  readonly trace: Trace;
  readonly alice: Agent;
  readonly bob: Agent;
  readonly aliceKeys: Identity;
  readonly bobKeys: Identity;
  /** From Alice to Bob, version 3. */
  readonly envelope: Envelope;
}

export async function bench(
  traced: 'alice' | 'bob',
  options: AgentOptions,
  nonces?: (clock: FrozenClock) => NonceStore,
) {
  const clock = frozenClock();
  const registry = new BrokenInto();
  const trace: Trace = [];
  const watched = {
    clock,
    registry: tracedRegistry(registry, trace),
    maxVersion: 3,
    crypto: tracedProvider(options.crypto ?? defaultProvider(), trace),
    transport: tracedTransport((options.transport as Transport) ?? new LoopbackTransport(), trace),
    nonceStore: tracedNonceStore(nonces?.(clock) ?? new MemoryNonceStore({ clock }), trace),
  } as const;
  const { crypto: _, transport: __, ...rest } = options;
  const make = async (name: 'alice' | 'bob') => {
    if (name === traced) return unwrap(await Agent.fromSeed({ seed: seedOf(name), ...watched, ...rest }));
    const agent = new Agent({ clock, registry, identity: KEYS[name] });
    const anyScope = { sendScopes: ['*'], receiveScopes: ['*'] };
    unwrap(await registry.register({ did: agent.did, keys: await agent.keyRecord(), ...anyScope }));
    return agent;
  };
  const made: Bench = {
    clock,
    registry,
    trace,
    alice: await make('alice'),
    bob: await make('bob'),
    aliceKeys: KEYS.alice,
    bobKeys: KEYS.bob,
    envelope: await sealed(KEYS.alice, KEYS.bob, encodeUtf8('{"n":1}')),
  };
  trace.length = 0;
  return made;
}

const tracedTransport = (transport: Transport, trace: Trace): Transport => ({
  send(envelope, to) {
    trace.push('transport.send');
    return transport.send(envelope, to);
  },
  onReceive: (handler) => transport.onReceive(handler),
  dispose: () => transport.dispose(),
});

export interface Attempt {
  readonly id: ErrorId;
  /** Which of several ways, where there are several. */
  readonly by?: string;
  /** The last step that ran. */
  readonly last: string;
  readonly agent?: AgentOptions;
  /** Whether the record that is verified has no ML-DSA key, so that Ed25519 alone signed it. */
  readonly noPqKey?: true;
}

/** Looks like the did:key of an Ed25519 key, and holds bytes of another kind. */
export const OTHER_KIND = `did:key:z6Mk${'1'.repeat(44)}`;
/** 32 zero bytes, a point of order 4. */
export const WEAK = 'did:key:z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP';
