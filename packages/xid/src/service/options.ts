import { DEFAULT_EPOCH_MS, DEFAULT_SKEW_MS } from '../identity/epochs.js';
import { EPOCH_DURATION, isEpochDuration } from '../identity/options.js';
import { normalizeVerifier } from '../identity/verifier-id.js';
import { MemoryXidStore } from '../stores/memory-store.js';
import type { XidStore } from '../stores/store.js';
import type { XidIssuerKey } from '../token/issuer-key.js';
import { isClassName, isDid, isScopeList } from '../util/forms.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption, isFunction } from '../util/options.js';
import type { Awaitable, Clock, Did, Scope } from './types.js';

/** What members of a class may do here. */
export interface TrustedClass {
  /** Scopes that the registrar may grant, `*` for any. Who is granted more is refused. */
  readonly scopes: readonly Scope[];
  /** Identities of the class at a time, in all instances, those of the last epoch included: 1 to 10 000 000. Default 10 000. */
  readonly maxIdentities?: number;
}

/** A registrar whose word counts here. */
export interface TrustedRegistrar {
  /** Its DID. */
  readonly did: Did;
  /** Its ML-DSA-65 key as base64url: where it is given, both signatures are asked for. Default: Ed25519 alone counts. */
  readonly mlDsa65?: string;
  /** The classes that it may speak for, by name. Each is one client to the adapter, `xid:` and the name. */
  readonly classes: Readonly<Record<string, TrustedClass>>;
  /**
   * Finds its key for tokens of a class and epoch, as `registrar.issuerKey` gives it: from where it publishes it for all, never from the caller. Asked once for each, and
   * again if there was none. Default: no tokens are taken.
   */
  readonly issuerKey?: (name: string, epoch: number) => Awaitable<XidIssuerKey | undefined>;
}

/** Options of {@link XidService}. */
export interface XidServiceOptions {
  /** What callers name this service by: its origin, such as `https://api.example.com`, or its DID; several if it has several. */
  readonly audience: string | readonly string[];
  /** Whose certificates and tokens count. */
  readonly registrars: readonly TrustedRegistrar[];
  /** How long an epoch is, in ms: as at the registrar and the holders. Default 86 400 000, one day. */
  readonly epochDurationMs?: number;
  /** By how much the clocks of callers and registrars may be ahead, in ms, up to an hour. Default 300 000. */
  readonly maxSkewMs?: number;
  /**
   * For how long a revocation is remembered, in ms, from one day to ten years; never for less than certificates count. Default 34 560 000 000: 400 days. As long as that
   * a revoked identity carries no account on, so `hasAccount` must not say yes of one that was not used for longer.
   */
  readonly revocationMemoryMs?: number;
  /** What instances know together. Default: in the memory of this process. */
  readonly store?: XidStore;
  /** Introductions that are checked, per minute and process. Default 600. */
  readonly attemptsPerMinute?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

export interface CheckedServiceOptions extends Required<Omit<XidServiceOptions, 'audience'>> {
  readonly audience: ReadonlySet<string>;
}

const OWNER = 'XidService';
const NAMES = [
  'audience',
  'registrars',
  'epochDurationMs',
  'maxSkewMs',
  'revocationMemoryMs',
  'store',
  'attemptsPerMinute',
  'clock',
];
const DAY_MS = 86_400_000;
const DEFAULT_MEMORY_MS = 400 * DAY_MS;
export const DEFAULT_MAX_IDENTITIES = 10_000;

/** Throws `INVALID_OPTION`, `VERIFIER_INVALID`. */
export function checkedServiceOptions(options: XidServiceOptions): CheckedServiceOptions {
  checkNames(OWNER, options, NAMES);
  const { registrars, epochDurationMs = DEFAULT_EPOCH_MS, maxSkewMs = DEFAULT_SKEW_MS } = options;
  const { store = new MemoryXidStore(), attemptsPerMinute = 600, clock = Date.now } = options;
  const { revocationMemoryMs = DEFAULT_MEMORY_MS } = options;
  const audience = [options.audience ?? []].flat();
  if (audience.length === 0)
    throw invalidOption('audience', `${OWNER}: audience must be an origin or a DID.`);
  if (!Array.isArray(registrars) || registrars.length === 0)
    throw invalidOption('registrars', `${OWNER}: registrars must have one registrar at least.`);
  for (const registrar of registrars) checkRegistrar(registrar);
  const check = <T>(name: string, value: T, isGood: (value: T) => boolean, what: string) =>
    checkValue(OWNER, name, value, isGood, what);
  check('epochDurationMs', epochDurationMs, isEpochDuration, EPOCH_DURATION);
  check('maxSkewMs', maxSkewMs, integerIn(0, 3_600_000), 'a whole number of ms up to 3600000');
  check(
    'revocationMemoryMs',
    revocationMemoryMs,
    integerIn(DAY_MS, 3650 * DAY_MS),
    'a whole number of ms from one day to ten years',
  );
  check(
    'store',
    store,
    hasMethods('get', 'add', 'set', 'extend', 'remove', 'count'),
    'a store of this package, or one like it',
  );
  check('attemptsPerMinute', attemptsPerMinute, integerIn(1, 1_000_000), 'a whole number from 1 to 1000000');
  check('clock', clock, isFunction, 'a function');
  const own = new Set(audience.map(normalizeVerifier));
  return {
    audience: own,
    registrars,
    epochDurationMs,
    maxSkewMs,
    revocationMemoryMs,
    store,
    attemptsPerMinute,
    clock,
  };
}

function checkRegistrar(registrar: TrustedRegistrar): void {
  const owner = `${OWNER}: registrars`;
  checkNames(owner, registrar, ['did', 'mlDsa65', 'classes', 'issuerKey']);
  const { did, mlDsa65, classes, issuerKey } = registrar;
  if (!isDid(did)) throw invalidOption('did', `${owner}: did must be the did:key of a registrar.`);
  checkValue(owner, 'mlDsa65', mlDsa65, (text) => /^[\w-]{2603}$/.test(text), '1952 bytes as base64url');
  checkValue(owner, 'issuerKey', issuerKey, isFunction, 'a function');
  const all = Object.entries(classes ?? {});
  if (all.length === 0) throw invalidOption('classes', `${owner}: classes must have one class at least.`);
  for (const [name, one] of all) {
    if (!isClassName(name))
      throw invalidOption('classes', `${owner}: names of classes are 1 to 64 characters of a-z, 0-9 and -.`);
    checkNames(`${owner}: classes.${name}`, one, ['scopes', 'maxIdentities']);
    if (!isScopeList(one.scopes))
      throw invalidOption('scopes', `${owner}: classes.${name}.scopes must be a list of scopes.`);
    checkValue(
      owner,
      'maxIdentities',
      one.maxIdentities,
      integerIn(1, 10_000_000),
      'a whole number from 1 to 10000000',
    );
  }
}
