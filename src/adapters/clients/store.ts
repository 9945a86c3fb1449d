import type { ClientId, Did } from '../../types/protocol.js';
import type { Awaitable } from '../../util/awaitable.js';

/** What is known about one client, over all its keys and DIDs. Times in ms since 1970. */
export interface ClientRecord {
  /** The client's id, as the key validator returns it. Never a key. */
  readonly client: ClientId;
  /** DIDs that were enrolled with a key of this client, oldest first. */
  readonly dids: readonly Did[];
  /** Accepted requests with an API key. */
  readonly keyRequests: number;
  /** Accepted requests with an envelope or a signature. */
  readonly xlinkRequests: number;
  /** Those of them that were signed by RFC 9421, without an envelope; absent if none were. */
  readonly signatureRequests?: number;
  /** When a key was last accepted; absent if never. */
  readonly lastKeyUse?: number;
  /** When an envelope or a signature was last accepted; absent if never. */
  readonly lastXlinkUse?: number;
  /** Refused requests by error id. */
  readonly failures: Readonly<Record<string, number>>;
  /** When a request was last refused; absent if never. */
  readonly lastFailure?: number;
  /** Since when the client has its own key switched off; absent while it is on. */
  readonly keyOffSince?: number;
  /** Since when the client is revoked: neither its keys nor its DIDs count. Absent while it is not. */
  readonly revokedSince?: number;
  /** When the enrollment of a DID ends, by DID; absent if none of them ends. */
  readonly validUntil?: Readonly<Record<Did, number>>;
}

/** What happened since the last write, to be added to a record. */
export type ClientActivity = Omit<ClientRecord, 'dids' | 'keyOffSince' | 'revokedSince' | 'validUntil'>;

/** Conditions of a link. */
export interface LinkConditions {
  /** DIDs that the client may have, this one included. A DID that it has already is not counted again: with 0, only such a link is renewed. Default: any number. */
  readonly maxDids?: number;
  /** When the link ends, in ms since 1970; in place of what it was linked until before. Default: it does not end. */
  readonly validUntil?: number;
  /**
   * `true`: only the call that makes the link succeeds. A link to the same client stays as it is, and the call resolves to
   * `undefined`. Default `false`: it is renewed.
   */
  readonly ifNew?: boolean;
}

/** What a DID is linked to, and whether that counts. Times in ms since 1970. */
export interface Standing {
  /** The client that the DID was enrolled for. */
  readonly client: ClientId;
  /** When the enrollment of the DID ends; absent if it does not. */
  readonly validUntil?: number;
  /** Since when the client is revoked; absent while it is not. */
  readonly revokedSince?: number;
}

/**
 * Where what is known about clients is kept. Share one between instances to have one report for all of them. A throw or
 * rejection never refuses a request, except where the answer decides it: then nothing is accepted (503).
 */
export interface ClientStore {
  /** The record of a client; `undefined` if nothing is known about it. */
  get(client: ClientId): Awaitable<ClientRecord | undefined>;
  /** All records, in any order. */
  list(): Awaitable<readonly ClientRecord[]>;
  /** The client a DID was enrolled for. */
  clientOf(did: Did): Awaitable<ClientId | undefined>;
  /** What is known about a DID before a request of it is accepted; `undefined` if it is linked to no client. */
  standingOf(did: Did): Awaitable<Standing | undefined>;
  /**
   * Links a DID to a client, atomically: of any number of simultaneous calls, in all instances, no more than `maxDids`
   * of a client succeed. Resolves to the client it is linked to afterwards: another one if it was taken, `undefined` if the
   * client has as many as it may have. A link to the same client is renewed, unless it is to be new (`ifNew`).
   */
  link(did: Did, client: ClientId, options?: LinkConditions): Awaitable<ClientId | undefined>;
  /** Undoes a link, and makes room for another. Resolves to the client that the DID was linked to; `undefined`: to none. */
  unlink(did: Did): Awaitable<ClientId | undefined>;
  /**
   * Adds counts and takes the later of two times. After a throw or rejection the same activity is given again under the
   * same `batch`, a random name, until it is taken. A store that may by then have taken it, or a part of it (the answer got
   * lost, or the activity of different clients is written one after the other), must recognize the batch and add nothing
   * twice; one whose rejection means that nothing happened may ignore the name. Different batches may come at once.
   */
  add(activity: readonly ClientActivity[], batch?: string): Awaitable<void>;
  /** Sets or clears `keyOffSince`. */
  setKeyOff(client: ClientId, since: number | undefined): Awaitable<void>;
  /** Sets or clears `revokedSince`. */
  setRevoked(client: ClientId, since: number | undefined): Awaitable<void>;
}
