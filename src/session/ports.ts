import type { ClientId, Did } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';

/** Names one request of one session. */
export interface SequenceUse {
  /** The DID of the caller. */
  readonly sender: Did;
  /** The client of the caller, over all of its DIDs: a store that is bounded gives each a share. Absent: the DID is the client. */
  readonly client?: ClientId;
  /** Id of the session, 16 bytes as base64url. */
  readonly sid: string;
  /** Number of the request in its session, 0 to 65 535. */
  readonly seq: number;
  /** When the request was made, ms since 1970. */
  readonly timestamp: number;
}

/** Remembers which requests of sessions were received. A throw or rejection means it is down: nothing is accepted. */
export interface SequenceStore {
  /**
   * Claims the number for at least `ttlMs`, atomically: of any number of simultaneous calls, in all processes of the service,
   * exactly one gets `true`. Rejects with `NONCE_STORE_UNAVAILABLE:COLD_START` for a request that is older than what it remembers.
   */
  claimSequence(use: SequenceUse, ttlMs: number): Awaitable<boolean>;
}

/** Shares the keys of tickets between the instances of a service. They are sealed: without the seed of the service they open nothing. */
export interface TicketKeyStore {
  /**
   * Keeps `sealed` under this name for `ttlMs`, unless there is something, atomically; resolves to what is kept then. Must forget it
   * after that time, and must not write it to backups: who has an old key opens what was recorded under it.
   */
  keep(name: string, sealed: string, ttlMs: number): Awaitable<string>;
  /** What is kept; `undefined` if nothing is. */
  read(name: string): Awaitable<string | undefined>;
}
