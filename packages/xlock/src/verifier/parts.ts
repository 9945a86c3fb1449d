import {
  type AuditEntry,
  generateIdentity,
  type Identity,
  type LimitStore,
  MemoryLimitStore,
  MemoryOperationsStore,
} from '@private.me/xlink';
import { XlockError } from '../errors.js';
import { checkVerifierOptions, type XlockVerifierOptions } from './options.js';
import { Records } from './records.js';
import { Waiting } from './waiting.js';

/** What the parts of a verifier share. */
export interface Parts {
  readonly options: XlockVerifierOptions;
  readonly origin: string;
  readonly records: Records;
  readonly limits: LimitStore;
  readonly waiting: Waiting;
  readonly now: () => number;
  readonly identity: () => Promise<Identity>;
  /** Writes an event; rejects with `AUDIT_UNAVAILABLE`. */
  readonly tell: (entry: AuditEntry) => Promise<void>;
}

/** Throws `INVALID_OPTION`. */
export function partsOfVerifier(options: XlockVerifierOptions): Parts {
  checkVerifierOptions(options);
  const { audit } = options;
  let made: Promise<Identity> | undefined;
  return {
    options: { ...options },
    origin: options.origin,
    records: new Records(options.store ?? new MemoryOperationsStore()),
    limits: options.limits ?? new MemoryLimitStore(),
    waiting: new Waiting(),
    now: options.clock ?? Date.now,
    identity: () => (options.identity ? Promise.resolve(options.identity) : (made ??= newIdentity())),
    async tell(entry) {
      try {
        await audit?.append(entry);
      } catch (cause) {
        throw new XlockError('AUDIT_UNAVAILABLE', { cause });
      }
    },
  };
}

async function newIdentity(): Promise<Identity> {
  const made = await generateIdentity({ maxVersion: 1 });
  if (!made.ok) throw new XlockError('CHALLENGE_GENERATION_FAILED', { cause: made.error });
  return made.value;
}
