import type { KeyRecord, OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import type { XlockChallenge } from '../challenge/challenge.js';
import { isXlockError, XlockError } from '../errors.js';

/** `pending` until somebody answers or time is up, then one of three, and `used` once an approval was redeemed. */
export type ChallengeState = 'pending' | 'approved' | 'denied' | 'expired' | 'used';

/** A challenge as the verifier keeps it. */
export interface ChallengeRecord {
  readonly challenge: XlockChallenge;
  readonly state: ChallengeState;
  /** The two digits of the login page; empty without matching. */
  readonly match: string;
  /** SHA-256 of the secret of the browser that asked, base64url; empty: anybody who knows the id may redeem it. */
  readonly binding: string;
  /** Which device answered. */
  readonly deviceId?: string;
  /** Of a registration: the passkey that was made. */
  readonly did?: string;
  /** Why it was denied: `number`, `origin`, or nothing. */
  readonly reason?: string;
}

/** A registered device. */
export interface DeviceRecord {
  /** Its DID. */
  readonly id: string;
  /** A name for people. */
  readonly name: string;
  /** In ms since 1970. */
  readonly addedAt: number;
  /** Since when it is revoked, in ms since 1970. */
  readonly revokedAt?: number;
  /** How it is reached over a relay, if it said so. */
  readonly keys?: KeyRecord;
}

/** A passkey that is registered, and the devices that may use it. */
export interface AccountRecord {
  readonly did: string;
  readonly userId: string;
  readonly devices: readonly DeviceRecord[];
  /** Since when the passkey is revoked, in ms since 1970. */
  readonly revokedAt?: number;
  /** Sessions that were begun before this time are over, in ms since 1970. */
  readonly sessionsFrom?: number;
  /** When the user last denied a login, in ms since 1970. */
  readonly deniedAt?: number;
}

/** A session, under the hash of its token. */
export interface SessionRecord {
  readonly did: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly createdAt: number;
  readonly until: number;
}

/** What a verifier keeps, by kind. What is over is removed now and then. */
export class Records {
  readonly challenges: Documents<ChallengeRecord>;
  readonly accounts: Documents<AccountRecord>;
  readonly users: Documents<{ readonly dids: readonly string[] }>;
  /** Which passkey a device was last registered for. */
  readonly devices: Documents<{ readonly did: string }>;
  readonly sessions: Documents<SessionRecord>;
  #sweptAt = 0;

  constructor(store: OperationsStore) {
    this.challenges = new Documents(store, 'xlock-challenge');
    this.accounts = new Documents(store, 'xlock-account');
    this.users = new Documents(store, 'xlock-user');
    this.devices = new Documents(store, 'xlock-device');
    this.sessions = new Documents(store, 'xlock-session');
  }

  /** Removes challenges and sessions that are over, at most once in ten minutes. */
  async sweep(now: number): Promise<void> {
    if (now - this.#sweptAt < 600_000) return;
    this.#sweptAt = now;
    const isOver = ({ challenge }: ChallengeRecord) => challenge.expiresAt + 600_000 < now;
    for (const [id, record] of await this.challenges.all())
      if (isOver(record)) await this.challenges.removeIf(id, isOver);
    const hasEnded = ({ until }: SessionRecord) => until < now;
    for (const [id, record] of await this.sessions.all())
      if (hasEnded(record)) await this.sessions.removeIf(id, hasEnded);
  }
}

/** Runs what asks the store; what the store fails with becomes `STORE_UNAVAILABLE`. */
export async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw isXlockError(cause) ? cause : new XlockError('STORE_UNAVAILABLE', { cause });
  }
}
