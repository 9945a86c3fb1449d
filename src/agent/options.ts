import { DEFAULT_TIMESTAMP_WINDOW_MS, MAX_AGE_LIMIT_MS, SLOW_BODY_MS } from '../checks/timestamp.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { Capability, ToolOptions } from '../discovery/offered-tools.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { xlinkError } from '../errors/errors.js';
import { looksLikeDidKey } from '../identity/did.js';
import { derivedKeyRing, type KeyRing } from '../identity/encryption-keys.js';
import { generateIdentity, IDENTITY_OPTIONS, Identity, type IdentityOptions } from '../identity/identity.js';
import { isWrappingKeyStore, type KeyStore } from '../identity/key-store.js';
import { MemoryNonceStore } from '../nonce/memory.js';
import { LoopbackTransport } from '../transport/loopback.js';
import type { PolicyDecisionPoint } from '../types/policy.js';
import type { NonceStore, Transport, TrustRegistry } from '../types/ports.js';
import type { Clock, Did, Scope, Version } from '../types/protocol.js';
import { given } from '../util/given.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isObject,
  isPromptFunction,
  isString,
  type OptionCheck,
  type OptionChecks,
  oneOf,
  refuseOptions,
} from '../util/options.js';
import { commitmentTo, publishedCommitment } from './commitment.js';
import type { AgentContext, VersionFloor } from './context.js';
import type { KeyEpochSupport } from './key-epochs-support.js';
import { Peers } from './peers.js';
import type { AgentPolicy } from './policy.js';
import {
  type AgentSecurityOptions,
  checkXchange,
  securityChecks,
  securityParts,
  transportsOf,
} from './security-options.js';
import { ServicePeers } from './service-peers.js';
import type { ShareSupport } from './shares.js';
import type { SigningKeys } from './signing-keys.js';
import type { SuccessionSupport } from './succession-support.js';
import type { OnWarning } from './warnings.js';

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
  /**
   * What it can do for others, as `agent.discover()` tells them: names, or names with the scopes of messages that ask for it. The names are
   * registered, too. Up to 1000 with `tools`. Default none. Not for agents for callers of APIs.
   */
  readonly capabilities?: readonly Capability[];
  /** The same with descriptions and JSON Schemas; 254 KiB of JSON at most, schemas 32 levels deep. Default none. Not for agents for callers of APIs. */
  readonly tools?: readonly ToolOptions[];
  /**
   * Whether senders that may send this agent anything are told its capabilities and tools when they ask. `false`: nobody is, and they are not
   * registered. Default `true`. Not for agents for callers of APIs.
   */
  readonly discoverable?: boolean;
  /**
   * What may be sent and taken: limits of this agent, or what decides about the messages that it takes, such as a {@link PolicyEngine};
   * that counts for an adapter of this agent, too, unless the adapter has its own. Default: scopes alone decide.
   */
  readonly policy?: AgentPolicy | PolicyDecisionPoint;
  /** Envelopes below this version are neither made nor accepted. Default 1. */
  readonly minVersion?: Version;
  /**
   * Below which version the envelopes of a sender are refused, beside `minVersion`. Default `record`: the highest that the
   * sender's key record and this agent have, from the first one on. `shown`: the highest the sender has used before, which
   * lets somebody who broke its weaker keys pass at first contact.
   */
  readonly versionFloor?: VersionFloor;
  /** How far a timestamp may be off, in ms, in either direction. Default 30 000, at most one hour. */
  readonly timestampWindowMs?: number;
  /**
   * How old a message may be that comes late, through a relay; in ms, up to 8 days. It counts for `onMessage`, and for a
   * `receive` that asks for it. Nonces are kept that much longer. More than `timestampWindowMs`, its default, needs a
   * `nonceStore` that outlives this process, such as `FileNonceStore`.
   */
  readonly maxAgeMs?: number;
  /**
   * Keeps encryption keys that are random, rotated and erased, shared by all instances of a service: `FileKeyStore`, `RedisKeyStore`,
   * `PostgresKeyStore`; `MemoryKeyStore` for tests. One store for each identity, and never again without it. Default none: they are
   * derived from the seed, never change, and whoever gets the seed can open every recorded message ever sealed for this identity.
   */
  readonly keyStore?: KeyStore;
  /** How long encryption keys are the published ones, in ms, 1 minute to 366 days. Default 7 days. Needs `keyStore`. */
  readonly keyRotationMs?: number;
  /**
   * How long senders may go on using keys that were replaced, in ms, 1 second to 366 days: longer than any cache of key records and
   * discovery documents, and than the store or this agent is ever away. Default 1 day. The keys are erased when nothing can come any
   * more that was sealed to them: after `maxAgeMs`, the timestamp window and 5 minutes more. Needs `keyStore`.
   */
  readonly keyOverlapMs?: number;
  /**
   * The only DID that may ever succeed this one: the key record commits to its hash, for good. Keep its key elsewhere: a thief
   * of this identity cannot move its rights to one of his own. Give it at every start. An `Agent` brings it to its entry in
   * `registry` within seconds, and warns while it cannot (`keys-not-published`); services that an agent for callers has enrolled at
   * have it from the next enrollment on. Default: any, see `succeedBy`.
   */
  readonly next?: Did;
  /**
   * The identity that takes the place of this one, for every instance of a service: envelopes for either are taken, and from
   * the moment on that the registry has accepted the succession, by whomever, it is the next one that signs. Default none.
   */
  readonly successor?: Identity;
  /** Keeps the encryption keys of `successor`; needed where there is a `keyStore`. Default: they are derived from its seed. */
  readonly successorKeyStore?: KeyStore;
  /** Larger envelopes are refused before they are decoded. Bytes; default 1.5 MiB. */
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

export const isIdentitySource: OptionCheck = (value) =>
  value instanceof Identity || typeof value === 'function' ? undefined : 'an Identity or a function';

const isScopes: OptionCheck = (value) =>
  Array.isArray(value) && value.every(isScopeOrAll) ? undefined : 'an array of scopes';
const isRegistry = hasMethods('lookup', 'register');
const isTransport = hasMethods('send', 'onReceive', 'dispose');
const isTransports: OptionCheck = (value) =>
  Array.isArray(value) && value.length === 0
    ? 'at least one transport'
    : [value]
        .flat()
        .map(isTransport)
        .find((complaint) => complaint !== undefined);

const isKeyStore: OptionCheck = (value) =>
  hasMethods('load', 'save')(value) ??
  (isWrappingKeyStore((value as KeyStore).wrappingKeys) === undefined
    ? undefined
    : 'a KeyStore with wrappingKeys');
const isDid: OptionCheck = (value) => (looksLikeDidKey(value) ? undefined : 'a did:key');
const isIdentity: OptionCheck = (value) => (value instanceof Identity ? undefined : 'an Identity');

const DAY_MS = 86_400_000;

const AGENT_OPTIONS: OptionChecks<Omit<AgentOptions, keyof AgentSecurityOptions | PeerOption>> = {
  ...IDENTITY_OPTIONS,
  name: isString,
  registry: isRegistry,
  trustRegistry: isRegistry,
  transport: isTransports,
  nonceStore: hasMethods('seen', 'claim'),
  sendScopes: isScopes,
  receiveScopes: isScopes,
  policy: isObject,
  minVersion: integerIn(1, 3),
  versionFloor: oneOf('record', 'shown'),
  timestampWindowMs: integerIn(1, 3_600_000),
  maxAgeMs: integerIn(1, MAX_AGE_LIMIT_MS),
  keyStore: isKeyStore,
  keyRotationMs: integerIn(60_000, 366 * DAY_MS),
  keyOverlapMs: integerIn(1000, 366 * DAY_MS),
  next: isDid,
  successor: isIdentity,
  successorKeyStore: isKeyStore,
  maxEnvelopeBytes: integerIn(1024, 2 ** 30),
  clock: isPromptFunction,
  unsafeAcceptWhenNonceStoreFails: isBoolean,
};

const INSTEAD = {
  did: 'an agent has the DID of its key; for did:web see createDidWebDocument()',
};

/** Throws `INVALID_OPTION`. */
export function checkAgentOptions(
  owner: string,
  options: AgentOptions,
  { shares, peer }: Pick<AgentSupport, 'shares' | 'peer'>,
  more: OptionChecks<object> = {},
): void {
  refuseOptions(owner, options, INSTEAD);
  checkOptions(owner, options, {
    ...AGENT_OPTIONS,
    ...securityChecks(shares?.checks),
    ...(peer?.checks as PeerSupport['checks']), // others have none of these
    ...more,
  });
  if (options.registry && options.trustRegistry && options.registry !== options.trustRegistry) {
    throw xlinkError('INVALID_OPTION', {
      field: 'trustRegistry',
      hint: `${owner}: registry and trustRegistry are two names of one option; pass one of them.`,
    });
  }
  peer?.checkOffer(options, owner);
  checkMaxAge(owner, options);
  for (const field of ['keyRotationMs', 'keyOverlapMs'] as const)
    if (options[field] !== undefined && !options.keyStore)
      throw xlinkError('INVALID_OPTION', { field, hint: `${owner}: ${field} needs a keyStore.` });
  if (options.successorKeyStore && options.successorKeyStore === options.keyStore)
    throw xlinkError('INVALID_OPTION', {
      field: 'successorKeyStore',
      hint: `${owner}: each identity needs a key store of its own.`,
    });
  if (options.next !== undefined && options.successor && options.successor.did !== options.next)
    throw xlinkError('INVALID_OPTION', {
      field: 'successor',
      hint: `${owner}: next says that another identity succeeds.`,
    });
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

export async function newIdentity(options: ReturnType<typeof identityOptions>): Promise<Identity> {
  const made = await generateIdentity(options);
  if (!made.ok) throw made.error;
  return made.value;
}

type PeerOption = 'capabilities' | 'tools' | 'discoverable';

/** What agents among agents bring along. */
export interface PeerSupport {
  /** The options that no other agents have. */
  readonly checks: OptionChecks<Pick<AgentOptions, PeerOption>>;
  /** Throws `INVALID_OPTION` for capabilities and tools that others would not take. */
  checkOffer(options: AgentOptions, owner: string): void;
}

/** What a class of agents brings along. */
export interface AgentSupport {
  /** Messages in shares. */
  readonly shares: ShareSupport | undefined;
  /** Making successions. */
  readonly succession: SuccessionSupport | undefined;
  /** Encryption keys in a store. */
  readonly keyEpochs: KeyEpochSupport | undefined;
  /** Being an agent among agents: it takes `policy`, `tools` and `discoverable`. */
  readonly peer: PeerSupport | undefined;
  /** Its published keys. */
  readonly newKeys: () => SigningKeys;
  /** Tells warnings. */
  readonly warner: (onWarning: OnWarning | undefined) => OnWarning;
  /** The registry of an agent that is given none. */
  readonly newRegistry: (crypto: CryptoProvider | undefined) => TrustRegistry;
}

/** Throws `INVALID_OPTION`: the class of agents for callers was made without. */
export function isForCallers(field: string): never {
  const hint = `An agent for callers of APIs has no ${field}; the Agent of @private.me/xlink has.`;
  throw xlinkError('INVALID_OPTION', { field, hint });
}

/** The class a static constructor was called on, so that a subclass makes its own kind. */
export type AgentClass<A> = (new (
  options: AgentOptions & { readonly identity: IdentitySource },
) => A) &
  AgentSupport;

/** Throws `INVALID_OPTION`: what commits to itself is never succeeded. */
export function assertAnother(next: Did | undefined, { did }: Identity): void {
  if (next === did)
    throw xlinkError('INVALID_OPTION', { field: 'next', hint: 'next is the DID of another identity.' });
}

/** Defaults, decided once when the agent is constructed. */
export function agentParts(
  options: AgentOptions,
  { shares, succession, keyEpochs, warner, newRegistry }: AgentSupport,
) {
  const clock = options.clock ?? Date.now;
  const registry = options.registry ?? options.trustRegistry ?? newRegistry(options.crypto);
  const transports = transportsOf(options.transport ?? new LoopbackTransport());
  const nonceStore = options.nonceStore ?? new MemoryNonceStore({ clock });
  const maxAgeMs = options.maxAgeMs ?? windowOf(options);
  const security = securityParts(options, transports, { shares, warner });
  const withShares = (context: AgentContext): AgentContext =>
    shares ? { ...context, shares: shares.open(options, context) } : context;
  const keyParts = {
    clock,
    registry,
    lateMs: maxAgeMs + windowOf(options) + SLOW_BODY_MS,
    warn: security.warn,
  };
  const keyRingOf = (identity: Identity, store: KeyStore | undefined): KeyRing =>
    store && keyEpochs ? keyEpochs.open(identity, store, options, keyParts) : derivedKeyRing(identity);
  const parts = {
    registry,
    transports,
    nonceStore,
    maxAgeMs,
    contextFor(identity: Identity): AgentContext {
      assertAnother(options.next, identity);
      const context: AgentContext = {
        identity,
        keyRing: keyRingOf(identity, options.keyStore),
        commitment: () => commitmentTo(options.next),
        // Where the commitment is not, a thief of the identity names a successor of his own.
        entryFollows: options.keyStore !== undefined || options.next !== undefined,
        registry,
        peers: new Peers(registry, identity.crypto, clock),
        services: new ServicePeers(identity.crypto),
        transports,
        nonceStore,
        clock,
        random: options.random ?? identity.crypto.randomBytes,
        timestampWindowMs: windowOf(options),
        maxAgeMs,
        maxEnvelopeBytes: options.maxEnvelopeBytes ?? DEFAULT_MAX_ENVELOPE_BYTES,
        minVersion: options.minVersion ?? 1,
        versionFloor: options.versionFloor ?? 'record',
        sendScopes: options.sendScopes,
        receiveScopes: options.receiveScopes,
        unsafeAcceptWhenNonceStoreFails: options.unsafeAcceptWhenNonceStoreFails ?? false,
        ...security,
        succession: undefined,
        shares: undefined,
      };
      const whole = withShares(context);
      const { successor } = options;
      if (successor) succession?.prepare(whole, parts.successorOf(whole, successor));
      return whole;
    },
    /** That of the identity which takes the place of another: what is known of peers is known to both. */
    successorOf(context: AgentContext, identity: Identity): AgentContext {
      const keyRing = keyRingOf(identity, options.successorKeyStore);
      const commitment = () => publishedCommitment(registry, identity.did);
      // Whoever brought its keys to the registry may have been somebody else.
      const own = { identity, keyRing, commitment, entryFollows: true, succession: undefined };
      return withShares({ ...context, ...own });
    },
  };
  return parts;
}
