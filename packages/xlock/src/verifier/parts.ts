import {
  type AuditEntry,
  generateIdentity,
  type Identity,
  type LimitStore,
  MemoryLimitStore,
  MemoryOperationsStore,
} from '@private.me/xlink';
import { XlockError } from '../errors.js';
import { invalidOption } from '../util/options.js';
import { type NameSecret, nameSecretOf } from './decoys.js';
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
  /** Makes up what is shown of users who do not exist. */
  readonly nameSecret: NameSecret;
  /** Writes an event; rejects with `AUDIT_UNAVAILABLE`. */
  readonly tell: (entry: AuditEntry) => Promise<void>;
}

/** Throws `INVALID_OPTION`. */
export function partsOfVerifier(options: XlockVerifierOptions): Parts {
  checkVerifierOptions(options);
  const { audit } = options;
  let made: Promise<Identity> | undefined;
  const identity = () => (options.identity ? Promise.resolve(options.identity) : (made ??= newIdentity()));
  return {
    options: { ...options },
    origin: options.origin,
    records: new Records(options.store ?? new MemoryOperationsStore()),
    limits: options.limits ?? new MemoryLimitStore(),
    waiting: new Waiting(),
    now: options.clock ?? Date.now,
    identity,
    nameSecret: nameSecretOf(identity),
    async tell(entry) {
      try {
        await audit?.append(entry);
      } catch (cause) {
        throw new XlockError('AUDIT_UNAVAILABLE', { cause });
      }
    },
  };
}

const ofVerifiers = new WeakMap<object, Parts>();

/** Lets other logins of the package stand beside this verifier: they keep accounts and sessions where it does. */
export const shareParts = (verifier: object, parts: Parts): void => void ofVerifiers.set(verifier, parts);

/** The parts of a verifier. Throws `INVALID_OPTION`. */
export function partsOfGiven(owner: string, verifier: unknown): Parts {
  const parts = ofVerifiers.get(Object(verifier));
  if (!parts) throw invalidOption('verifier', `${owner}: verifier must be an XlockVerifier.`);
  return parts;
}

async function newIdentity(): Promise<Identity> {
  const made = await generateIdentity({ maxVersion: 1 });
  if (!made.ok) throw new XlockError('CHALLENGE_GENERATION_FAILED', { cause: made.error });
  return made.value;
}
