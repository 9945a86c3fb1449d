import type { Agent } from '@private.me/xlink';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isBoolean,
  isFunction,
} from '../util/options.js';
import type { SignalObserver } from './events.js';
import type { PrekeyDirectory } from './prekeys/bundle.js';
import type { RatchetLimits } from './ratchet/state.js';
import type { SignalCarrier } from './session/carrier.js';
import type { StateStore } from './state/store.js';

/** Options of {@link SignalProvider.start}. */
export interface SignalProviderOptions {
  /** Who this is. The identity key of its channels and the key that state is sealed under are derived from its seed. */
  readonly agent: Agent;
  /** Where prekeys are. */
  readonly directory: PrekeyDirectory;
  /** What brings messages. */
  readonly carrier: SignalCarrier;
  /** Where state is kept. Default: in memory; after a restart every session begins anew, and what was under way is lost. */
  readonly state?: StateStore;
  /**
   * The second place, which knows which revision was reached: another store than `state`, that no backup takes back together with it.
   * Required with `state`.
   */
  readonly revisions?: StateStore;
  /** Goes without `revisions`: state from an old backup is then used, and message keys are used twice. Default `false`. */
  readonly unsafeWithoutRevisions?: boolean;
  /** One-time prekeys that wait in the directory once it is full, 10 to 200. Default 200. */
  readonly prekeyPoolSize?: number;
  /** Share of them that has to be used before it is filled up, 0.05 to 1. Default 0.7. */
  readonly prekeyRefreshThreshold?: number;
  /** How long a signed prekey is current, in ms, from an hour on. Private halves are kept 14 days longer. Default 7 days. */
  readonly prekeyRotationMs?: number;
  /** Whether sessions may begin without a one-time key, where a peer has none left. Default `allow`; `refuse`: `SIGNAL_PREKEY_EXHAUSTED`. */
  readonly lastResort?: 'allow' | 'refuse';
  /** Experimental: sessions that are begun here have an ML-KEM step in each turn (2.3 KB more for each message). Default `false`. */
  readonly kemRatchet?: boolean;
  /** Limits of what may be missing. Default: 1,000 at once, 2,000 in all, of 5 chains, for 7 days. */
  readonly limits?: Partial<RatchetLimits>;
  /** A ratchet that has not turned for so long gets a heartbeat; ms. Default 6 hours; 0: never. */
  readonly heartbeatMs?: number;
  /** A ratchet that has not turned for so long is told as `ratchet-stale`; ms. Default 24 hours; 0: never. */
  readonly staleMs?: number;
  /** How often prekeys and heartbeats are looked after, in ms. Default 10 minutes; 0: only when `maintain()` is called. */
  readonly maintenanceMs?: number;
  /** Longest message, in bytes. Default 262,144. */
  readonly maxMessageBytes?: number;
  /** Messages of one peer that wait for the first listener of their channel; the carrier keeps the next ones. Default 1,000. */
  readonly maxWaiting?: number;
  /** Bytes of them, of one peer; at least `maxMessageBytes` and 8,192. Default 4 MiB, or that if it is more. */
  readonly maxWaitingBytes?: number;
  /** Bytes of them, of all peers; at least `maxWaitingBytes`. Default 64 MiB, or that if it is more. */
  readonly maxWaitingBytesTotal?: number;
  /** Roles of a peer, for `channel.peer`. Default: none. */
  readonly rolesOf?: (did: string) => readonly string[];
  /** Told of events. Default none. */
  readonly observers?: readonly SignalObserver[];
  /** ms since 1970. Default `Date.now`. */
  readonly clock?: () => number;
}

/** What a sealed message has at most beyond its data, in bytes. */
export const MESSAGE_OVERHEAD = 8192;
const HOUR_MS = 3_600_000;
const isPeriod = integerIn(0, 2 ** 31 - 1);

/** The options with defaults. Throws `INVALID_OPTION`. */
export function resolveOptions(options: SignalProviderOptions) {
  const owner = 'SignalProvider';
  checkNames(owner, options, [
    ...['agent', 'directory', 'carrier', 'state', 'revisions', 'unsafeWithoutRevisions', 'prekeyPoolSize'],
    ...['prekeyRefreshThreshold', 'prekeyRotationMs', 'lastResort', 'kemRatchet', 'limits', 'heartbeatMs'],
    ...[
      'staleMs',
      'maintenanceMs',
      'maxMessageBytes',
      'maxWaiting',
      'maxWaitingBytes',
      'maxWaitingBytesTotal',
    ],
    ...['rolesOf', 'observers', 'clock'],
  ]);
  const check = <T>(name: string, value: T | undefined, isGood: (value: T) => boolean, what: string) =>
    checkValue(owner, name, value, isGood, what);
  const isStore = hasMethods('load', 'save', 'remove');
  for (const name of ['agent', 'directory', 'carrier'] as const)
    if (options[name] === undefined) throw invalidOption(name, `${owner}: ${name} is required.`);
  check('agent', options.agent, hasMethods('deriveSubkey', 'sign', 'verify'), 'an Agent');
  check('directory', options.directory, hasMethods('publish', 'count', 'fetch'), 'a PrekeyDirectory');
  check('carrier', options.carrier, hasMethods('send', 'onMessage'), 'a SignalCarrier');
  check('state', options.state, isStore, 'a StateStore');
  check('revisions', options.revisions, isStore, 'a StateStore');
  check('unsafeWithoutRevisions', options.unsafeWithoutRevisions, isBoolean, 'true or false');
  check('prekeyPoolSize', options.prekeyPoolSize, integerIn(10, 200), 'a whole number from 10 to 200');
  const isShare = (share: number) => typeof share === 'number' && share >= 0.05 && share <= 1;
  check('prekeyRefreshThreshold', options.prekeyRefreshThreshold, isShare, 'a number from 0.05 to 1');
  const isRotation = integerIn(HOUR_MS, 90 * 24 * HOUR_MS);
  check('prekeyRotationMs', options.prekeyRotationMs, isRotation, 'from an hour to 90 days, in ms');
  const isChoice = (value: string) => value === 'allow' || value === 'refuse';
  check('lastResort', options.lastResort, isChoice, "'allow' or 'refuse'");
  check('kemRatchet', options.kemRatchet, isBoolean, 'true or false');
  for (const name of ['heartbeatMs', 'staleMs', 'maintenanceMs'] as const)
    check(name, options[name], isPeriod, 'a whole number, in ms; 0 switches it off');
  check(
    'maxMessageBytes',
    options.maxMessageBytes,
    integerIn(1, 2 ** 26),
    'a whole number from 1 to 67108864',
  );
  check('maxWaiting', options.maxWaiting, integerIn(1, 2 ** 20), 'a whole number from 1 to 1048576');
  const { maxMessageBytes = 262_144 } = options;
  const waitingOf = (name: 'maxWaitingBytes' | 'maxWaitingBytesTotal', least: number, usual: number) => {
    check(name, options[name], integerIn(least, 2 ** 32), `a whole number from ${least} to ${2 ** 32}`);
    return options[name] ?? Math.max(usual, least);
  };
  const maxWaitingBytes = waitingOf('maxWaitingBytes', maxMessageBytes + MESSAGE_OVERHEAD, 2 ** 22);
  const maxWaitingBytesTotal = waitingOf('maxWaitingBytesTotal', maxWaitingBytes, 2 ** 26);
  check('rolesOf', options.rolesOf, isFunction, 'a function');
  check('observers', options.observers, Array.isArray, 'an array of functions');
  check('clock', options.clock, isFunction, 'a function');
  checkLimits(options.limits ?? {});
  if (options.state && !options.revisions && !options.unsafeWithoutRevisions)
    throw invalidOption(
      'revisions',
      `${owner}: with state, revisions is required: a store that no backup takes back with it.`,
    );
  if (options.revisions && options.revisions === options.state)
    throw invalidOption('revisions', `${owner}: revisions must be another store than state.`);
  return {
    rolesOf: (): readonly string[] => [],
    ...{ prekeyPoolSize: 200, prekeyRefreshThreshold: 0.7, prekeyRotationMs: 7 * 24 * HOUR_MS },
    ...{ lastResort: 'allow' as const, kemRatchet: false, heartbeatMs: 6 * HOUR_MS, staleMs: 24 * HOUR_MS },
    ...{ maintenanceMs: HOUR_MS / 6, maxWaiting: 1000, clock: Date.now },
    observers: [] as readonly SignalObserver[],
    ...options,
    ...{ maxMessageBytes, maxWaitingBytes, maxWaitingBytesTotal },
  };
}

function checkLimits(limits: Partial<RatchetLimits>): void {
  const owner = 'SignalProvider.limits';
  checkNames(owner, limits, ['maxJump', 'maxSkipped', 'maxChains', 'skippedMs']);
  const isCount = integerIn(1, 100_000);
  for (const name of ['maxJump', 'maxSkipped', 'maxChains'] as const)
    checkValue(owner, name, limits[name], isCount, 'a whole number from 1 to 100000');
  checkValue(owner, 'skippedMs', limits.skippedMs, isPeriod, 'a whole number, in ms');
}
