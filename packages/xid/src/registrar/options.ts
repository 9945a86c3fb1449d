import { type Clock, Identity, type Scope } from '@private.me/xlink';
import { DEFAULT_EPOCH_MS, DEFAULT_SKEW_MS } from '../identity/epochs.js';
import { EPOCH_DURATION, isEpochDuration } from '../identity/options.js';
import { MemoryXidStore } from '../stores/memory-store.js';
import type { XidStore } from '../stores/store.js';
import { isClassName, isScopeList } from '../util/forms.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption, isFunction } from '../util/options.js';
import { type IssuerKeys, MemoryIssuerKeys } from './issuer-keys.js';

/** What members of a class may do. */
export interface RegistrarClass {
  /** Scopes that a certificate or token of the class grants at most. */
  readonly scopes: readonly Scope[];
}

/** Options of {@link XidRegistrar}. */
export interface XidRegistrarOptions {
  /** Who signs. Its DID is what services are told to trust. */
  readonly identity: Identity;
  /** By name, 1 to 64 characters of `a-z 0-9 -`. Few and large ones: a class of three tells little from no privacy. */
  readonly classes: Readonly<Record<string, RegistrarClass>>;
  /** How long an epoch is, in ms. Default 86 400 000, one day. */
  readonly epochDurationMs?: number;
  /** Tokens that a holder gets per class and epoch, 1 to 10 000. Default 50: one for each service, and some to spare. */
  readonly maxTokensPerHolder?: number;
  /** Bits of the RSA keys of tokens: 2048, 3072 or 4096. Default 2048. */
  readonly modulusLength?: 2048 | 3072 | 4096;
  /** Where those keys are. Default: in the memory of this process. */
  readonly issuerKeys?: IssuerKeys;
  /** Where is counted who got how many tokens: no token, and nothing of what was signed. Default: in the memory of this process. */
  readonly store?: XidStore;
  /** By how much the clocks of holders may differ, in ms. Default 300 000. */
  readonly maxSkewMs?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

export type CheckedRegistrarOptions = Required<XidRegistrarOptions>;

const OWNER = 'XidRegistrar';
const NAMES: readonly string[] = [
  'identity',
  'classes',
  'epochDurationMs',
  'maxTokensPerHolder',
  'modulusLength',
  'issuerKeys',
  'store',
  'maxSkewMs',
  'clock',
];

/** Throws `INVALID_OPTION`. */
export function checkedRegistrarOptions(options: XidRegistrarOptions): CheckedRegistrarOptions {
  checkNames(OWNER, options, NAMES);
  const all: CheckedRegistrarOptions = {
    epochDurationMs: DEFAULT_EPOCH_MS,
    maxTokensPerHolder: 50,
    modulusLength: 2048,
    maxSkewMs: DEFAULT_SKEW_MS,
    clock: Date.now,
    ...options,
    issuerKeys: options?.issuerKeys ?? new MemoryIssuerKeys(),
    store: options?.store ?? new MemoryXidStore(),
  };
  const check = <T>(name: string, value: T, isGood: (value: T) => boolean, what: string) =>
    checkValue(OWNER, name, value, isGood, what);
  if (!(all.identity instanceof Identity))
    throw invalidOption('identity', `${OWNER}: identity must be an Identity.`);
  if (typeof all.classes !== 'object' || !all.classes || Object.keys(all.classes).length === 0)
    throw invalidOption(
      'classes',
      `${OWNER}: classes must have one class at least, such as { members: { scopes: ['orders:read'] } }.`,
    );
  for (const [name, one] of Object.entries(all.classes)) {
    check(`classes.${name}`, name, isClassName, 'named by 1 to 64 characters of a-z, 0-9 and -');
    checkNames(`${OWNER}: classes.${name}`, one, ['scopes']);
    if (!isScopeList(one.scopes))
      throw invalidOption('scopes', `${OWNER}: classes.${name}.scopes must be a list of scopes.`);
  }
  check('epochDurationMs', all.epochDurationMs, isEpochDuration, EPOCH_DURATION);
  check('maxTokensPerHolder', all.maxTokensPerHolder, integerIn(1, 10_000), 'a whole number from 1 to 10000');
  check(
    'modulusLength',
    all.modulusLength,
    (bits) => [2048, 3072, 4096].includes(bits),
    '2048, 3072 or 4096',
  );
  check('maxSkewMs', all.maxSkewMs, integerIn(0, 3_600_000), 'a whole number of ms up to 3600000');
  check(
    'issuerKeys',
    all.issuerKeys,
    hasMethods('get', 'add', 'remove'),
    'an object with get, add and remove',
  );
  check(
    'store',
    all.store,
    hasMethods('get', 'add', 'set', 'remove', 'count'),
    'a store of this package, or one like it',
  );
  check('clock', all.clock, isFunction, 'a function');
  return all;
}
