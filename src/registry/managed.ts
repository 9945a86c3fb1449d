import type { Result } from '../errors/result.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Did, KeyRecord, RegistryEntry, Scope, Succession } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';

/** When an entry is changed. */
export interface ChangeCondition {
  /**
   * The change is made only if this is the `revision` of the entry (0: there is no entry, or one without a revision), and
   * otherwise fails with `REGISTRATION_FAILED:CHANGED_MEANWHILE`. An integer from 0 on. Default: whatever it is.
   */
  readonly ifRevision?: number;
}

/** What `add` gives to a DID. */
export interface Grant extends ChangeCondition {
  /** Scopes it may send with. Absent: those of the entry that is there, or none. */
  readonly scopes?: readonly Scope[];
  /** Name in the registry entry. Absent: the one that is there. */
  readonly name?: string;
}

/** What `revoke` keeps beside the revocation. */
export interface RevokeOptions extends ChangeCondition {
  /** Why, for the operators of other services: 1 to 128 printable characters, such as `key_compromise`. Default: not said. */
  readonly reason?: string;
  /** Revokes those that took its place, too, one after the other, whatever their revisions are. Default `false`. */
  readonly successors?: boolean;
}

/** What `updateScopes` replaces; what is absent stays. */
export interface ScopeChange extends ChangeCondition {
  /** Scopes the DID may send with. */
  readonly scopes?: readonly Scope[];
  /** Scopes it accepts. */
  readonly receiveScopes?: readonly Scope[];
}

/** Told when an entry was changed here, or may have been elsewhere; `undefined`: any entry may have been. */
export type ChangeListener = (did: Did | undefined) => void;

/** State of a change feed. `off`: there are no listeners. `down`: changes made elsewhere are not heard of now. `live`: they are. */
export type FeedState = 'off' | 'down' | 'live';

/**
 * A trust registry with what its operators need besides. Every change takes effect with the next lookup, and gives the
 * entry a higher `revision`; only keys that are there already, without a condition, leave it as it is.
 */
export interface ManagedTrustRegistry extends TrustRegistry {
  /** Allows a DID with these scopes to send: a new entry without encryption keys, or new scopes and reactivation of an old one. */
  add(did: Did, grant?: Grant): Awaitable<Result<void>>;
  /**
   * Cuts off one DID, and with `successors` those that took its place, from the next message on. The reason is kept as
   * `revocationReason` of the entry. Fails with `LOOKUP_FAILED:DID_NOT_IN_REGISTRY`.
   */
  revoke(did: Did, options?: RevokeOptions): Awaitable<Result<void>>;
  /** Replaces what the DID may send with (`scopes`) and accept (`receiveScopes`). */
  updateScopes(did: Did, change: ScopeChange): Awaitable<Result<void>>;
  /** Replaces the key record; refused unless its epoch is higher. */
  updateKeys(keys: KeyRecord, condition?: ChangeCondition): Awaitable<Result<void>>;
  /**
   * Puts one DID in the place of another, as in `TrustRegistry`; a condition counts for the entry of the old one. Absent: the
   * registry takes no successions.
   */
  succeed?(succession: Succession, keys: KeyRecord, condition?: ChangeCondition): Awaitable<Result<void>>;
  /** Puts an entry of another registry here as it is, if there is none; for a move. Absent: the registry takes no such entries. */
  restore?(entry: RegistryEntry): Awaitable<Result<void>>;
  /** All entries, revoked ones included. */
  list(): Awaitable<readonly RegistryEntry[]>;
  /** Calls the listener at every change until the returned function is called. For caches. */
  onChange?(listener: ChangeListener): () => void;
  /**
   * Whether listeners hear of changes made elsewhere. Absent: they always do, or always do not, and caches trust what they
   * hold for as long as they are told to.
   */
  readonly changeFeed?: FeedState | undefined;
  /** Lets go of files and connections. What was acknowledged before is kept. */
  close?(): Awaitable<void>;
}
