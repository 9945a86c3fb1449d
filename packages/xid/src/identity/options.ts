import type { Clock, RandomBytes, Version } from '@private.me/xlink';
import type { SplitConfig } from '../master/master.js';
import { MemoryShareBackend, type ShareBackend } from '../master/share-backends.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption, isFunction } from '../util/options.js';
import { DEFAULT_EPOCH_MS } from './epochs.js';

/** Options of {@link EphemeralIdentity.create}. */
export interface EphemeralIdentityOptions {
  /**
   * How long an epoch is, in ms, 1000 to 2^40. All holders and services of one system use the same: a length of your own tells you from others.
   * Default 86 400 000, one day.
   */
  readonly epochDurationMs?: number;
  /** How the master seed is shared. Default 2 of 3. */
  readonly splitConfig?: SplitConfig;
  /**
   * Where the shares are kept, one backend for each. Where none of them holds a share, a seed is made and saved. Default: in the memory of this process, so that
   * each start is a new person to every service.
   */
  readonly backends?: readonly ShareBackend[];
  /** Gives this device identities of its own: 1 to 128 characters. Default: the same on all devices that hold the seed. */
  readonly device?: string;
  /** Highest envelope version of its identities, which decides their keys: 2 without ML-DSA-65. Default 3: all four keys. */
  readonly maxVersion?: Version;
  /** Identities that are kept between their uses, 1 to 100 000; each takes some 15 KB. Default 1000. */
  readonly maxKept?: number;
  /** 32 bytes to begin with in the place of random ones, where no backend holds a share; for a seed that is moved here. Wipe it afterwards. Default none. */
  readonly masterSeed?: Uint8Array;
  /** Told the name of a backend whose share was changed or cannot be read, while there are enough others. Default: printed as a process warning. */
  readonly onBadShare?: (backend: string) => void;
  /** Default `Date.now`. */
  readonly clock?: Clock;
  /** Source of the master seed. Default: that of `node:crypto`. */
  readonly random?: RandomBytes;
}

export interface CheckedOptions {
  readonly epochDurationMs: number;
  readonly backends: readonly ShareBackend[];
  readonly threshold: number;
  readonly device: string | undefined;
  readonly maxVersion: Version;
  readonly maxKept: number;
  readonly masterSeed: Uint8Array | undefined;
  readonly onBadShare: (backend: string) => void;
  readonly clock: Clock;
  readonly random: RandomBytes | undefined;
}

const OWNER = 'EphemeralIdentity.create';
const NAMES = [
  'epochDurationMs',
  'splitConfig',
  'backends',
  'device',
  'maxVersion',
  'maxKept',
  'masterSeed',
  'onBadShare',
  'clock',
  'random',
];

export const isEpochDuration = integerIn(1000, 2 ** 40);
export const EPOCH_DURATION = 'a whole number of ms from 1000 to 2^40';

const isDevice = (device: unknown) => typeof device === 'string' && /^[^\p{C}]{1,128}$/u.test(device);

/** Throws `INVALID_OPTION`. */
export function checkedOptions(options: EphemeralIdentityOptions): CheckedOptions {
  checkNames(OWNER, options, NAMES);
  const check = <T>(name: string, value: T | undefined, isGood: (value: T) => boolean, what: string) =>
    checkValue(OWNER, name, value, isGood, what);
  const { splitConfig = {}, epochDurationMs = DEFAULT_EPOCH_MS, maxVersion = 3, maxKept = 1000 } = options;
  const { device, masterSeed, random, clock = Date.now, onBadShare = warned } = options;
  check('epochDurationMs', epochDurationMs, isEpochDuration, EPOCH_DURATION);
  check('device', device, isDevice, '1 to 128 characters');
  check('maxVersion', maxVersion, integerIn(1, 3), '1, 2 or 3');
  check('maxKept', maxKept, integerIn(1, 100_000), 'a whole number from 1 to 100000');
  check('masterSeed', masterSeed, (seed) => seed instanceof Uint8Array && seed.length === 32, '32 bytes');
  for (const [name, value] of Object.entries({ onBadShare, clock, random }))
    check(name, value, isFunction, 'a function');
  checkNames(`${OWNER}: splitConfig`, splitConfig, ['totalShares', 'threshold']);
  const { totalShares = options.backends?.length ?? 3, threshold = 2 } = splitConfig;
  check('totalShares', totalShares, integerIn(2, 16), 'a whole number from 2 to 16');
  check('threshold', threshold, integerIn(2, totalShares), `a whole number from 2 to ${totalShares}`);
  const backends =
    options.backends ??
    Array.from({ length: totalShares }, (_, at) => new MemoryShareBackend(`memory ${at + 1}`));
  check('backends', backends, areBackends, 'an array of { name, load, save }');
  if (backends.length !== totalShares)
    throw invalidOption(
      'backends',
      `${OWNER}: ${totalShares} shares need as many backends, not ${backends.length}.`,
    );
  return {
    epochDurationMs,
    backends,
    threshold,
    device,
    maxVersion,
    maxKept,
    masterSeed,
    onBadShare,
    clock,
    random,
  };
}

const areBackends = (value: unknown): boolean =>
  Array.isArray(value) && value.every(hasMethods('load', 'save')) && new Set(value).size === value.length;

const warned = (backend: string): void =>
  process.emitWarning(
    `The share of the master seed in ${backend} is changed or cannot be read. Restore it.`,
    {
      code: 'XID_BAD_SHARE',
    },
  );
