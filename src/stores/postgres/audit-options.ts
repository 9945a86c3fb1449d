import { isRetention, type Retention } from '../../audit/retention.js';
import { xlinkError } from '../../errors/service-errors.js';
import { Identity } from '../../identity/identity.js';
import type { Clock, KeyRecord } from '../../types/protocol.js';
import { checkOptions, integerIn, isFunction, isObject, oneOf, requireOption } from '../../util/options.js';
import { isPool } from './pool-option.js';
import { isTableName } from './table-name.js';
import type { PostgresPool } from './types.js';

/** Options of {@link PostgresAuditLog.migrate}: where the tables of audit logs are. */
export interface PostgresAuditTables {
  /** A `Pool` of the package `pg`; it stays yours to end. */
  readonly pool: PostgresPool;
  /** At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_audit`. Services may share it. */
  readonly table?: string;
}

/** Options of {@link PostgresAuditLog.open}. */
export interface PostgresAuditLogOptions extends PostgresAuditTables {
  /** The service: signs checkpoints; the key of the HMAC chain is derived from it. The same in all processes. */
  readonly identity: Identity;
  /**
   * Whom entries are sealed to (X25519 and ML-KEM-768). With the key record alone this process can write entries and not read them
   * back; with the identity it can. Keys derived from the seed only.
   */
  readonly organization: KeyRecord | Identity;
  /** Name of the log: letters, digits, `-`, `_` and `.`, at most 64. All processes with this name, identity and table append to one log. Default `main`. */
  readonly name?: string;
  /** How long a call of the database may take in all, waiting for other processes included, in ms, 1 to 600,000. Default 5000. */
  readonly timeoutMs?: number;
  /** After which time {@link PostgresAuditLog.eraseExpired} erases data keys, such as `7-years`. Default: never. */
  readonly retention?: Retention;
  /**
   * What happens when more entries wait than `maxPending`, or none can be written. `fail-closed`, the default: `append` rejects with
   * `AUDIT_UNAVAILABLE`. `drop`: it resolves to `undefined`, and the log says how many are missing once it can.
   */
  readonly onOverload?: 'fail-closed' | 'drop';
  /** Entries that may wait to be written, 1 to 1,000,000. Default 10,000. */
  readonly maxPending?: number;
  /** How long after an entry of this process a checkpoint has it, in ms, 10 to 86,400,000. Default 60,000. */
  readonly checkpointIntervalMs?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

const OWNER = 'PostgresAuditLog.open';

/** Throws `INVALID_OPTION`. */
export function checkPostgresAuditLogOptions(options: PostgresAuditLogOptions): void {
  checkOptions(OWNER, options, {
    pool: isPool,
    identity: isObject,
    organization: isObject,
    name: (value: unknown) =>
      typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)
        ? undefined
        : '1 to 64 letters, digits, -, _ and .',
    table: isTableName,
    timeoutMs: integerIn(1, 600_000),
    retention: isRetention,
    onOverload: oneOf('fail-closed', 'drop'),
    maxPending: integerIn(1, 1_000_000),
    checkpointIntervalMs: integerIn(10, 86_400_000),
    clock: isFunction,
  });
  for (const key of ['pool', 'identity', 'organization']) requireOption(OWNER, options, key);
  if (!(options.identity instanceof Identity))
    throw xlinkError('INVALID_OPTION', {
      field: 'identity',
      hint: `${OWNER}: identity must be an Identity: see generateIdentity and identityFromFile.`,
    });
}

/** Throws `INVALID_OPTION`. */
export function checkPostgresAuditTables(options: PostgresAuditTables): void {
  checkOptions('PostgresAuditLog.migrate', options, { pool: isPool, table: isTableName });
  requireOption('PostgresAuditLog.migrate', options, 'pool');
}
