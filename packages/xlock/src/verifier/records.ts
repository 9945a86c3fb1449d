import type { KeyRecord, OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import type { XlockChallenge } from '../challenge/challenge.js';
import { isXlockError, XlockError } from '../errors.js';
import { overIn, Sweeper } from './sweeper.js';

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
  /** Of a registration: whether the passkeys that the user has are revoked by it. */
  readonly replaces?: boolean;
  /** Which device answered. */
  readonly deviceId?: string;
  /** Of a registration: the passkey that was made. */
  readonly did?: string;
  /** Of an approval with a DID for one resource and epoch. */
  readonly ephemeral?: { readonly did: string; readonly resource: string; readonly epoch: number };
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
  /** How often all sessions were ended; those that were begun in an earlier epoch are over. Absent: never. No clock counts here. */
  readonly sessionEpoch?: number;
  /** When the user last denied a login, in ms since 1970. */
  readonly deniedAt?: number;
}

/** Whose an ephemeral DID is: known to the service that asked for it, not to resources. */
export interface HolderRecord {
  readonly did: string;
  readonly deviceId: string;
  readonly resource: string;
  /** When the DID ends, in ms since 1970. */
  readonly until: number;
}

/** A session, under the hash of its token. */
export interface SessionRecord {
  readonly did: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly createdAt: number;
  readonly until: number;
  /** `sessionEpoch` of the account when it began. */
  readonly epoch: number;
  /** Where it is good, if it is of an ephemeral DID. */
  readonly resource?: string;
}

/** What a verifier keeps, by kind. What is over is removed now and then. */
export class Records {
  readonly challenges: Documents<ChallengeRecord>;
  readonly accounts: Documents<AccountRecord>;
  readonly users: Documents<{ readonly dids: readonly string[] }>;
  /** Which passkey a device was last registered for. */
  readonly devices: Documents<{ readonly did: string }>;
  readonly sessions: Documents<SessionRecord>;
  /** By ephemeral DID. */
  readonly holders: Documents<HolderRecord>;
  /** Where all of it is, for what else is kept beside it. */
  readonly store: OperationsStore;
  readonly #sweeper = new Sweeper();

  constructor(store: OperationsStore) {
    this.store = store;
    this.challenges = new Documents(store, 'xlock-challenge');
    this.accounts = new Documents(store, 'xlock-account');
    this.users = new Documents(store, 'xlock-user');
    this.devices = new Documents(store, 'xlock-device');
    this.sessions = new Documents(store, 'xlock-session');
    this.holders = new Documents(store, 'xlock-holder');
  }

  /** Removes challenges, sessions and ephemeral DIDs that are over, at most once in five minutes. */
  async sweep(now: number): Promise<void> {
    const hasEnded = ({ until }: { readonly until: number }) => until < now;
    await this.#sweeper.sweep(
      now,
      overIn(this.challenges, ({ challenge }) => challenge.expiresAt + 60_000 < now),
      overIn(this.sessions, hasEnded),
      overIn(this.holders, hasEnded),
    );
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
