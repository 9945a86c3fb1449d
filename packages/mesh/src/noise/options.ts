import { createKeyRecord, Identity, type KeyRecord } from '@private.me/xlink';
import type { Target } from '../channel.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isBoolean,
  isFunction,
} from '../util/options.js';
import { type Address, addressOf, byPreference } from './address.js';
import { limitsOf, type NoiseLimits } from './limits.js';
import { type Suite, suiteOf } from './suite.js';
import type { ChannelRegistry } from './trust.js';

/** Options of {@link NoiseProvider}. */
export interface NoiseOptions {
  /** Who this side is. Its Noise key is derived from its seed. */
  readonly identity: Identity;
  /** Whom it trusts: who is not active there, with the very keys, gets no channel. */
  readonly registry: ChannelRegistry;
  /** This side's key record. Default: that of the identity; with a key store, give `() => agent.keyRecord()`. */
  readonly keyRecord?: () => Promise<KeyRecord>;
  /** Mixes ML-KEM-768 into the handshake (pattern `XXhfs`, experimental). Both sides must. Default `false`. */
  readonly hybrid?: boolean;
  /** `ChaChaPoly` or `AESGCM`. Default `ChaChaPoly`. */
  readonly cipher?: 'ChaChaPoly' | 'AESGCM';
  /** Signs with ML-DSA-65 too, and asks it of those whose key record has such a key. Default `false`. */
  readonly postQuantumSig?: boolean;
  /** Puts both DIDs into the prologue. Both sides must, and a listener then needs `peer`. Default `false`. */
  readonly paired?: boolean;
  /** Where a DID listens, if the target does not say it. Default: nowhere. */
  readonly addresses?: (
    did: string,
  ) => readonly string[] | undefined | Promise<readonly string[] | undefined>;
  /** Transport whose addresses are tried first, where a target has several. Default: the order of the target. */
  readonly prefer?: 'tcp' | 'udp' | 'websocket';
  /** When keys change and channels end. */
  readonly limits?: NoiseLimits;
  /** Longest handshake, in ms. Default 10000. */
  readonly handshakeTimeoutMs?: number;
  /** Handshakes that may be under way on each listener; more are refused at once. Default 256. */
  readonly maxHandshakes?: number;
  /**
   * How many of them one address may have, of IPv6 a /64 network, so that it cannot lock out the others. Default a quarter of
   * `maxHandshakes`, rounded up. Behind a proxy all callers have its address: give it `maxHandshakes` there.
   */
  readonly maxHandshakesPerAddress?: number;
  /**
   * Open channels that one DID may have to this provider, over all of its listeners; one more is refused with `NOISE_LIMIT:CHANNELS`, on
   * both sides. Channels that this side opens do not count. Default 32.
   */
  readonly maxChannelsPerDid?: number;
  /** How often the registry is asked about open channels, in ms. Default 30000 if it tells of changes, and 1000 if not. */
  readonly recheckMs?: number;
  /** How long the registry may be silent before open channels end, in ms. Default 30000. */
  readonly registryGraceMs?: number;
  /** How long `canReach` waits for a connection, in ms. Default 1000. */
  readonly probeTimeoutMs?: number;
  /** First wait before a UDP handshake message is sent again, in ms; doubles up to `retransmitMaxMs`. Default 1000. */
  readonly retransmitMs?: number;
  /** Longest such wait, in ms. Default 30000. */
  readonly retransmitMaxMs?: number;
  /**
   * UDP handshakes under way from which on a caller must first show that it gets what is sent to its address, which takes one more round
   * trip. Default 0, always: the answer to a first message is some 60 times as long, and an endpoint that gives it to a forged address
   * is used to flood others. Raise it only where addresses cannot be forged.
   */
  readonly cookieThreshold?: number;
  /** A UDP channel ends after so long without a word of the other side, in ms. Default 180000. */
  readonly silenceMs?: number;
  /** Told how long each handshake took, and what failed where nobody waits for it. Default: nobody. */
  readonly onEvent?: (event: NoiseEvent) => void;
  /** ms since 1970. Default `Date.now`. */
  readonly clock?: () => number;
}

/** What {@link NoiseOptions.onEvent} is told. */
export type NoiseEvent =
  | {
      readonly type: 'handshake';
      readonly role: 'initiator' | 'responder';
      readonly transport: 'tcp' | 'udp' | 'websocket';
      readonly outcome: 'ok' | 'failed';
      readonly durationMs: number;
      readonly error?: unknown;
    }
  | { readonly type: 'fault'; readonly error: unknown };

/** Options of {@link NoiseProvider.listen}. */
export interface ListenOptions {
  /** The only DID that is let in. Default: all that the registry has as active. */
  readonly peer?: string;
}

/** The options with their defaults. */
export interface NoiseSettings
  extends Required<Omit<NoiseOptions, 'limits' | 'hybrid' | 'cipher' | 'onEvent' | 'addresses' | 'prefer'>> {
  readonly limits: Required<NoiseLimits>;
  readonly suite: Suite;
  readonly onEvent: (event: NoiseEvent) => void;
  /** In the order in which they are tried. Throws `INVALID_OPTION` for what is none. */
  readonly addressesOf: (target: Target) => Promise<readonly Address[]>;
}

const OWNER = 'NoiseProvider';
const NAMES = [
  ...[
    'identity',
    'registry',
    'keyRecord',
    'hybrid',
    'cipher',
    'postQuantumSig',
    'paired',
    'addresses',
    'prefer',
    'limits',
  ],
  ...[
    'handshakeTimeoutMs',
    'maxHandshakes',
    'maxHandshakesPerAddress',
    'maxChannelsPerDid',
    'recheckMs',
    'registryGraceMs',
    'probeTimeoutMs',
    'retransmitMs',
  ],
  ...['retransmitMaxMs', 'cookieThreshold', 'silenceMs', 'onEvent', 'clock'],
];

/** Checks options. Throws `INVALID_OPTION`. */
export function noiseSettings(options: NoiseOptions): NoiseSettings {
  checkNames(OWNER, options, NAMES);
  const { identity, registry, addresses, prefer, hybrid = false, cipher = 'ChaChaPoly' } = options;
  if (!(identity instanceof Identity))
    throw invalidOption('identity', `${OWNER}: identity must be an Identity.`);
  if (!hasMethods('lookup')(registry))
    throw invalidOption('registry', `${OWNER}: registry must be a trust registry.`);
  for (const name of ['keyRecord', 'addresses', 'onEvent', 'clock'] as const)
    checkValue(OWNER, name, options[name], isFunction, 'a function');
  for (const name of ['hybrid', 'postQuantumSig', 'paired'] as const)
    checkValue(OWNER, name, options[name], isBoolean, 'true or false');
  checkValue(
    OWNER,
    'cipher',
    options.cipher,
    (one) => one === 'ChaChaPoly' || one === 'AESGCM',
    'ChaChaPoly or AESGCM',
  );
  const isTransport = (one: string) => ['tcp', 'udp', 'websocket'].includes(one);
  checkValue(OWNER, 'prefer', prefer, isTransport, 'tcp, udp or websocket');
  const number = (name: keyof NoiseOptions & keyof typeof TIMES, min: number, max: number) => {
    checkValue(OWNER, name, options[name], integerIn(min, max), `a whole number from ${min} to ${max}`);
    return options[name] ?? TIMES[name];
  };
  const { clock = Date.now } = options;
  const maxHandshakes = number('maxHandshakes', 1, 1_000_000);
  return {
    identity,
    registry,
    keyRecord: options.keyRecord ?? (() => createKeyRecord(identity, { clock })),
    suite: suiteOf(`Noise_XX${hybrid ? 'hfs_25519+MLKEM768' : '_25519'}_${cipher}_SHA256`),
    postQuantumSig: options.postQuantumSig ?? false,
    paired: options.paired ?? false,
    limits: limitsOf(OWNER, options.limits),
    handshakeTimeoutMs: number('handshakeTimeoutMs', 1, 600_000),
    maxHandshakes,
    maxHandshakesPerAddress: number('maxHandshakesPerAddress', 1, 1_000_000) || Math.ceil(maxHandshakes / 4),
    maxChannelsPerDid: number('maxChannelsPerDid', 1, 1_000_000),
    recheckMs: number('recheckMs', 1, 86_400_000) || (registry.onChange ? 30_000 : 1_000),
    registryGraceMs: number('registryGraceMs', 0, 86_400_000),
    probeTimeoutMs: number('probeTimeoutMs', 1, 60_000),
    retransmitMs: number('retransmitMs', 1, 60_000),
    retransmitMaxMs: number('retransmitMaxMs', 1, 600_000),
    cookieThreshold: number('cookieThreshold', 0, 1_000_000),
    silenceMs: number('silenceMs', 1, 86_400_000),
    onEvent: options.onEvent ?? (() => {}),
    clock,
    addressesOf: async ({ did, addresses: given }) => {
      const all = given ?? (did === undefined ? undefined : await addresses?.(did)) ?? [];
      return byPreference(all.map(addressOf), prefer);
    },
  };
}

/** Defaults in ms, or counts; 0 of `recheckMs` depends on the registry, of `maxHandshakesPerAddress` on `maxHandshakes`. */
const TIMES = {
  handshakeTimeoutMs: 10_000,
  maxHandshakes: 256,
  maxHandshakesPerAddress: 0,
  maxChannelsPerDid: 32,
  recheckMs: 0,
  registryGraceMs: 30_000,
  probeTimeoutMs: 1_000,
  retransmitMs: 1_000,
  retransmitMaxMs: 30_000,
  cookieThreshold: 0,
  silenceMs: 180_000,
} as const;
