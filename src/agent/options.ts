import { DEFAULT_TIMESTAMP_WINDOW_MS, MAX_AGE_LIMIT_MS } from '../checks/timestamp.js';
import { isScope } from '../envelope/fields.js';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { xlinkError } from '../errors/errors.js';
import { IDENTITY_OPTIONS, type Identity, type IdentityOptions } from '../identity/identity.js';
import { MemoryNonceStore } from '../nonce/memory.js';
import { MemoryTrustRegistry } from '../registry/memory.js';
import { LoopbackTransport } from '../transport/loopback.js';
import type { NonceStore, Transport, TrustRegistry } from '../types/ports.js';
import type { Clock, Scope, Version } from '../types/protocol.js';
import { given } from '../util/given.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isFunction,
  isString,
  type OptionCheck,
  type OptionChecks,
  refuseOptions,
} from '../util/options.js';
import type { AgentContext } from './context.js';
import { Peers } from './peers.js';
import {
  type AgentSecurityOptions,
  checkXchange,
  SECURITY_OPTIONS,
  securityParts,
  transportsOf,
} from './security-options.js';

/** Options of an agent. All are optional; the defaults suit one process, and tests. */
export interface AgentOptions extends IdentityOptions, AgentSecurityOptions {
  /** Shown in the registry entry. Default none. */
  readonly name?: string;
  /** Where peers are looked up. Default: a registry of its own in memory, in which the agent is alone. */
  readonly registry?: TrustRegistry;
  /** Another name of `registry`. Default: as there. */
  readonly trustRegistry?: TrustRegistry;
  /** Several: shares of a message travel over all of them, whole messages over the first. Default: a {@link LoopbackTransport}. */
  readonly transport?: Transport | readonly Transport[];
  /** Default: a {@link MemoryNonceStore} of its own, which is neither shared between processes nor kept at a restart. */
  readonly nonceStore?: NonceStore;
  /** Scopes this agent may send with. Also registered. Absent: any. Empty: none. */
  readonly sendScopes?: readonly Scope[];
  /** Scopes this agent accepts, whatever the registry says of the sender. Also registered. Absent: any. Empty: none. */
  readonly receiveScopes?: readonly Scope[];
  /** Names of tools or actions it offers, for its registry entry. Default none. */
  readonly capabilities?: readonly string[];
  /** Envelopes below this version are neither made nor accepted. Default 1. */
  readonly minVersion?: Version;
  /** How far a timestamp may be off, in ms, in either direction. Default 30 000, at most one hour. */
  readonly timestampWindowMs?: number;
  /**
   * How old a message may be that comes late, through a relay; in ms, up to 8 days. It counts for `onMessage`, and for a
   * `receive` that asks for it. Nonces are kept that much longer. More than `timestampWindowMs`, its default, needs a
   * `nonceStore` that outlives this process, such as `FileNonceStore`.
   */
  readonly maxAgeMs?: number;
  /** Larger envelopes are refused before they are decoded. Bytes; default 1 MiB. */
  readonly maxEnvelopeBytes?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
  /**
   * Accepts envelopes while the nonce store is down, so that each of them may be replayed. Default `false`: they are
   * refused with `NONCE_STORE_UNAVAILABLE`.
   */
  readonly unsafeAcceptWhenNonceStoreFails?: boolean;
}

/** An identity, or how to get it when it is first needed. A failed attempt is made again at the next use. */
export type IdentitySource = Identity | (() => Promise<Identity>);

const isScopes: OptionCheck = (value) =>
  Array.isArray(value) && value.every((scope) => scope === '*' || isScope(scope))
    ? undefined
    : 'an array of scopes';
const isRegistry = hasMethods('lookup', 'register');
const isTransport = hasMethods('send', 'onReceive', 'dispose');
const isTransports: OptionCheck = (value) =>
  Array.isArray(value) && value.length === 0
    ? 'at least one transport'
    : [value]
        .flat()
        .map(isTransport)
        .find((complaint) => complaint !== undefined);
const isStringArray: OptionCheck = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? undefined : 'an array of strings';

const AGENT_OPTIONS: OptionChecks<AgentOptions> = {
  ...IDENTITY_OPTIONS,
  ...SECURITY_OPTIONS,
  name: isString,
  registry: isRegistry,
  trustRegistry: isRegistry,
  transport: isTransports,
  nonceStore: hasMethods('seen', 'claim'),
  sendScopes: isScopes,
  receiveScopes: isScopes,
  capabilities: isStringArray,
  minVersion: integerIn(1, 3),
  timestampWindowMs: integerIn(1, 3_600_000),
  maxAgeMs: integerIn(1, MAX_AGE_LIMIT_MS),
  maxEnvelopeBytes: integerIn(1024, 2 ** 30),
  clock: isFunction,
  unsafeAcceptWhenNonceStoreFails: isBoolean,
};

const INSTEAD = {
  did: 'the DID of an agent is that of its key; for a did:web publish createDidWebDocument(did, await agent.keyRecord())',
};

/** Throws `INVALID_OPTION`. */
export function checkAgentOptions(
  owner: string,
  options: AgentOptions,
  more: OptionChecks<object> = {},
): void {
  refuseOptions(owner, options, INSTEAD);
  checkOptions(owner, options, { ...AGENT_OPTIONS, ...more });
  if (options.registry && options.trustRegistry && options.registry !== options.trustRegistry) {
    throw xlinkError('INVALID_OPTION', {
      field: 'trustRegistry',
      hint: `${owner}: registry and trustRegistry are two names of one option; pass one of them.`,
    });
  }
  checkMaxAge(owner, options);
  checkXchange(owner, options);
}

const windowOf = ({ timestampWindowMs = DEFAULT_TIMESTAMP_WINDOW_MS }: AgentOptions): number =>
  timestampWindowMs;

/** A store that forgets at a restart would refuse every message that is older than the process. */
function checkMaxAge(owner: string, options: AgentOptions): void {
  const { maxAgeMs = windowOf(options), nonceStore } = options;
  const fail = (field: string, text: string): never => {
    throw xlinkError('INVALID_OPTION', { field, hint: `${owner}: ${text}` });
  };
  if (maxAgeMs < windowOf(options)) fail('maxAgeMs', 'maxAgeMs is at least timestampWindowMs.');
  const forgets =
    nonceStore === undefined || (nonceStore instanceof MemoryNonceStore && nonceStore.coldStart === 'refuse');
  if (maxAgeMs > windowOf(options) && forgets)
    fail('nonceStore', 'maxAgeMs needs a nonce store that outlives the process, such as FileNonceStore.');
}

/** The options that an identity is made with. */
export function identityOptions({
  postQuantumSig,
  maxVersion,
  crypto,
  random,
}: AgentOptions): IdentityOptions {
  return given({ postQuantumSig, maxVersion, crypto, random });
}

/** Defaults, decided once when the agent is constructed. */
export function agentParts(options: AgentOptions) {
  const clock = options.clock ?? Date.now;
  const registry =
    options.registry ??
    options.trustRegistry ??
    new MemoryTrustRegistry(options.crypto ? { crypto: options.crypto } : {});
  const transports = transportsOf(options.transport ?? new LoopbackTransport());
  const nonceStore = options.nonceStore ?? new MemoryNonceStore({ clock });
  const maxAgeMs = options.maxAgeMs ?? windowOf(options);
  const { collectorFor, ...security } = securityParts(options, transports, clock);
  return {
    registry,
    transports,
    nonceStore,
    maxAgeMs,
    contextFor: (identity: Identity): AgentContext => ({
      identity,
      registry,
      peers: new Peers(registry, identity.crypto),
      transports,
      nonceStore,
      clock,
      random: options.random ?? identity.crypto.randomBytes,
      timestampWindowMs: windowOf(options),
      maxAgeMs,
      maxEnvelopeBytes: options.maxEnvelopeBytes ?? DEFAULT_MAX_ENVELOPE_BYTES,
      minVersion: options.minVersion ?? 1,
      sendScopes: options.sendScopes,
      receiveScopes: options.receiveScopes,
      unsafeAcceptWhenNonceStoreFails: options.unsafeAcceptWhenNonceStoreFails ?? false,
      ...security,
      collector: collectorFor(identity.crypto),
    }),
  };
}
