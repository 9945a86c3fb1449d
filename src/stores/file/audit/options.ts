import { isRetention, type Retention } from '../../../audit/retention.js';
import { xlinkError } from '../../../errors/service-errors.js';
import { Identity } from '../../../identity/identity.js';
import type { Clock, KeyRecord } from '../../../types/protocol.js';
import {
  checkOptions,
  integerIn,
  isFunction,
  isObject,
  isString,
  oneOf,
  requireOption,
} from '../../../util/options.js';
import type { OnRepair } from '../journal-file.js';

/** Options of {@link AuditLog.open}. */
export interface AuditLogOptions {
  /** Folder of the log, made if it is not there. Every process has one of its own: a lock refuses a second writer. */
  readonly folder: string;
  /** The service: signs checkpoints; the key of the HMAC chain is derived from it. */
  readonly identity: Identity;
  /**
   * Whom entries are sealed to (X25519 and ML-KEM-768). With the key record alone this process can write entries and not read them
   * back; with the identity it can. Keys derived from the seed only.
   */
  readonly organization: KeyRecord | Identity;
  /** Name of the log: letters, digits, `-`, `_` and `.`, at most 64. Kept in the folder; default: 16 random hex digits. */
  readonly name?: string;
  /** After which time {@link AuditLog.eraseExpired} erases data keys, such as `7-years`. Default: never. */
  readonly retention?: Retention;
  /**
   * What happens when more entries wait than `maxPending`, or none can be written. `fail-closed`, the default: `append` rejects with
   * `AUDIT_UNAVAILABLE`. `drop`: it resolves to `undefined`, and the log says how many are missing once it can.
   */
  readonly onOverload?: 'fail-closed' | 'drop';
  /** Entries that may wait to be written, 1 to 1,000,000. Default 10,000. */
  readonly maxPending?: number;
  /** How long after an entry a checkpoint has it, in ms, 10 to 86,400,000. Default 60,000. Opening and closing sign one, too. */
  readonly checkpointIntervalMs?: number;
  /** A new file of entries is begun when one has as many bytes, 64 KiB to 1 GiB. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** How long opening waits for another process to let go of the log, in ms, 0 to 600,000. Default 10,000. */
  readonly lockWaitMs?: number;
  /** Told that the unfinished end of a file, left by a crash, was cut off. Default: not called. */
  readonly onRepair?: OnRepair;
  /** How entries are encrypted: to the key of the organization. There is no other way, and no log without. */
  readonly encryption?: 'org-key';
  /** The HMAC chain: always there, so `true` only. */
  readonly hmacChain?: true;
  /** That entries cannot be changed or removed: always so, so `true` only. */
  readonly immutable?: true;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

const always = (value: unknown) => (value === true ? undefined : 'true: it cannot be switched off');

export const AUDIT_LOG_CHECKS = {
  folder: isString,
  identity: isObject,
  organization: isObject,
  name: (value: unknown) =>
    typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)
      ? undefined
      : '1 to 64 letters, digits, -, _ and .',
  retention: isRetention,
  onOverload: oneOf('fail-closed', 'drop'),
  maxPending: integerIn(1, 1_000_000),
  checkpointIntervalMs: integerIn(10, 86_400_000),
  segmentBytes: integerIn(64 * 1024, 1024 ** 3),
  lockWaitMs: integerIn(0, 600_000),
  onRepair: isFunction,
  encryption: oneOf('org-key'),
  hmacChain: always,
  immutable: always,
  clock: isFunction,
};

/** Throws `INVALID_OPTION`. */
export function checkAuditLogOptions(options: AuditLogOptions): void {
  checkOptions('AuditLog.open', options, AUDIT_LOG_CHECKS);
  for (const key of ['folder', 'identity', 'organization']) requireOption('AuditLog.open', options, key);
  if (!(options.identity instanceof Identity))
    throw xlinkError('INVALID_OPTION', {
      field: 'identity',
      hint: 'AuditLog.open: identity must be an Identity: see generateIdentity and identityFromFile.',
    });
}
