import type { CryptoProvider, Did } from '@private.me/xlink';
import { IALS, type Ial } from '../attest/proofing.js';
import { XfuseError } from '../errors.js';
import type { SessionLedger } from '../session/ledger.js';
import type { Argon2Cost } from '../signals/argon2.js';
import type { Oprf } from '../signals/oprf.js';
import type { AttemptLimits } from '../util/attempts.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption, isFunction } from '../util/options.js';
import { MAX_SIGNALS } from './record.js';
import type { FusionStore } from './store.js';

/** Options of `FusionManager`. */
export interface FusionOptions {
  /** How many signals are enough, 2 to `totalSignals`. */
  readonly threshold: number;
  /** How many are enrolled, 2 to 8. */
  readonly totalSignals: number;
  /** Lowest identity assurance of a session: then somebody has to have proofed the person (`addProofing`). Default: none. */
  readonly ial?: Ial;
  /** Whose proofing counts. Default: nobody's. */
  readonly proofingIssuers?: readonly Did[];
  /** Name of the account, 1 to 128 characters. Default: one at random, for a record that is kept in memory. */
  readonly account?: string;
  /** Where the record is. Default: in memory. */
  readonly store?: FusionStore;
  /** Where sessions are good, unless `converge` says otherwise: a DID or an origin. Default `local`. */
  readonly audience?: string;
  /** How long a session lasts, in ms, a second to 24 hours. Default 1 hour. */
  readonly sessionMs?: number;
  /** Attempts for this account. Default: 10 in 15 minutes, 50 a day, counted in memory. */
  readonly limits?: AttemptLimits;
  /** Cost of argon2id for a new password. Default 64 MiB, 3 passes, 1 lane; not below 19 MiB and 2 passes. */
  readonly argon2?: Partial<Argon2Cost>;
  /** Hardens the password: then it cannot be guessed without this server. Default: none. */
  readonly oprf?: Oprf;
  /** Which sessions are open. Default: in memory of this process. */
  readonly sessions?: SessionLedger;
  /** Where DIDs of sessions are revoked when they are ended, such as the registry of an agent. Default: nowhere. */
  readonly registry?: { revoke(did: Did): unknown };
  /** Ms since 1970. Default `Date.now`. */
  readonly clock?: () => number;
  /** Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

const NAMES: readonly (keyof FusionOptions)[] = [
  'threshold',
  'totalSignals',
  'ial',
  'proofingIssuers',
  'account',
  'store',
  'audience',
  'sessionMs',
  'limits',
  'argon2',
  'oprf',
  'sessions',
  'registry',
  'clock',
  'crypto',
];

const isShort = (value: unknown) => typeof value === 'string' && value.length >= 1 && value.length <= 128;

/** Throws `INVALID_OPTION`. */
export function checkFusionOptions(options: FusionOptions): void {
  const owner = 'FusionManager';
  checkNames(owner, options, NAMES);
  const { threshold, totalSignals } = options;
  if (!integerIn(2, MAX_SIGNALS)(totalSignals))
    throw invalidOption('totalSignals', `${owner}: totalSignals must be 2 to ${MAX_SIGNALS}.`);
  if (!integerIn(2, totalSignals)(threshold))
    throw invalidOption('threshold', `${owner}: threshold must be 2 to totalSignals.`);
  checkValue(owner, 'ial', options.ial, (ial) => IALS.includes(ial), IALS.join(', '));
  checkValue(owner, 'proofingIssuers', options.proofingIssuers, Array.isArray, 'DIDs');
  checkValue(owner, 'account', options.account, isShort, '1 to 128 characters');
  checkValue(owner, 'audience', options.audience, isShort, '1 to 128 characters');
  checkValue(owner, 'sessionMs', options.sessionMs, integerIn(1000, 86_400_000), 'ms, a second to 24 hours');
  checkValue(owner, 'store', options.store, hasMethods('load', 'save'), 'a FusionStore');
  checkValue(owner, 'oprf', options.oprf, hasMethods('publicKey', 'evaluate'), 'an Oprf');
  checkValue(
    owner,
    'sessions',
    options.sessions,
    hasMethods('open', 'isOpen', 'end', 'endAll'),
    'a SessionLedger',
  );
  checkValue(owner, 'registry', options.registry, hasMethods('revoke'), 'a registry');
  checkValue(owner, 'clock', options.clock, isFunction, 'a function');
}

/** Whether a level is reached. Throws `PROOFING_MISSING…`. */
export function assertIal(needed: Ial | undefined, has: Ial | undefined): void {
  if (needed === undefined) return;
  if (has === undefined) throw new XfuseError('PROOFING_MISSING');
  if (IALS.indexOf(has) < IALS.indexOf(needed)) throw new XfuseError('PROOFING_MISSING:LEVEL');
}
