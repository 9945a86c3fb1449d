import type { CryptoProvider } from '../crypto/provider.js';
import { err, ok, type Result } from '../errors/result.js';
import { isXlinkError, xlinkError } from '../errors/service-errors.js';
import { decodeDidKey, looksLikeDidKey } from '../identity/did.js';
import { assertKeyRecord, assertSuccessor, copyKeyRecord } from '../identity/key-record.js';
import { copySuccession, MAX_SUCCESSIONS } from '../identity/succession.js';
import type { Clock, Did, KeyRecord, Registration, RegistryEntry, Succession } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { canonicalJson } from '../util/canonical-json.js';
import { given } from '../util/given.js';
import { ChangeListeners } from './change-listeners.js';
import {
  checkCondition,
  checkGrant,
  checkRevokeOptions,
  checkScopeChange,
  registrationIn,
} from './change-options.js';
import type {
  ChangeCondition,
  ChangeListener,
  Grant,
  ManagedTrustRegistry,
  RevokeOptions,
  ScopeChange,
} from './managed.js';
import { frozenEntry } from './parse-entry.js';
import { type PositionalRegistration, registrationOf } from './positional-registration.js';
import {
  isSuccessorOf,
  proveSuccession,
  succeededEntry,
  successorEntry,
  takingPlaceOf,
  withdrawn,
} from './succession.js';

/**
 * Says what becomes of an entry, or throws. Pure, so that it can be asked again after a lost race. What it returns is
 * frozen; the very entry it was given means that there is nothing to write.
 */
export type EntryRule = (entry: RegistryEntry | undefined) => RegistryEntry;

/**
 * What is true of every trust registry, wherever its entries are: key records are proven on the way in and only replaced
 * by their successors, scopes are lists, entries are frozen, and their revisions rise. A backend says how one entry is
 * read and atomically changed.
 */
export abstract class EntryRegistry implements ManagedTrustRegistry {
  readonly #crypto: CryptoProvider | undefined;
  readonly #clock: Clock;
  readonly #listeners = new ChangeListeners();

  /**
   * `crypto` checks the signatures of key records and successions; default: the provider of the platform. `clock` says how
   * old a succession is; default `Date.now`.
   */
  constructor(crypto?: CryptoProvider, clock: Clock = Date.now) {
    this.#crypto = crypto;
    this.#clock = clock;
  }

  abstract lookup(did: Did): Awaitable<RegistryEntry | undefined>;

  /** All entries, revoked ones included. */
  abstract list(): Awaitable<RegistryEntry[]>;

  /**
   * Puts what the rule makes of the entry in its place, atomically: the entry is not changed between the reading and
   * the writing, or the rule is asked once more. Resolves when the change is as durable as it will be, and rejects with
   * what the rule throws; anything else it rejects with becomes the `cause` of a `REGISTRATION_FAILED`.
   */
  protected abstract change(did: Did, rule: EntryRule): Promise<void>;

  /** Adds a DID. Fails with `REGISTRATION_FAILED:ALREADY_REGISTERED`, `INVALID_DID` or `KEY_RECORD_INVALID`. */
  async register(...args: [entry: Registration] | PositionalRegistration): Promise<Result<void>> {
    return this.#attempt(async () => {
      const asked = registrationOf(args);
      decodeDidKey(asked?.did);
      const registration = registrationIn(asked);
      const keys = registration.keys === undefined ? undefined : ownKeys(registration.keys, registration.did);
      const entry = put({ ...registration, ...(keys ? { keys } : {}), status: 'active' });
      if (keys) await assertKeyRecord(keys, this.#crypto);
      await this.#change(entry.did, (known) => {
        if (known) throw xlinkError('REGISTRATION_FAILED:ALREADY_REGISTERED', { field: 'did' });
        return entry;
      });
    });
  }

  /** Allows a DID with these scopes to send: a new entry without encryption keys, or new scopes and reactivation of an old one. Without scopes a new entry may send nothing. */
  async add(did: Did, grant: Grant = {}): Promise<Result<void>> {
    return this.#attempt(async () => {
      decodeDidKey(did);
      const { scopes, name, ifRevision } = checkGrant(grant);
      const replaced = given({ sendScopes: ownList(scopes), name });
      const rule: EntryRule = (known) => {
        const { revocationReason: _, ...kept } = known ?? ({} as Partial<RegistryEntry>);
        return put({ ...kept, did, status: 'active', ...replaced });
      };
      await this.#change(did, rule, ifRevision);
    });
  }

  /**
   * Cuts off one DID, and with `successors` those that took its place, from the next message on. The reason is kept as
   * `revocationReason` of the entry. Fails with `LOOKUP_FAILED:DID_NOT_IN_REGISTRY`.
   */
  async revoke(did: Did, options: RevokeOptions = {}): Promise<Result<void>> {
    return this.#attempt(async () => {
      const { reason, ifRevision, successors = false } = checkRevokeOptions(options);
      let last = await this.#revokeOne(did, reason, { ifRevision });
      for (let step = 0; successors && last?.succeededBy && step < MAX_SUCCESSIONS; step++)
        last = await this.#revokeOne(last.succeededBy.to, reason, { old: last });
    });
  }

  /**
   * The entry as it is then. A successor of `old` may not have its entry yet: it gets one that is revoked, or the succession
   * that is under way would bring it in afterwards. What is there and took another place stays as it is (`undefined`).
   */
  async #revokeOne(
    did: Did,
    reason: string | undefined,
    { old, ifRevision }: { readonly old?: RegistryEntry; readonly ifRevision?: number | undefined },
  ): Promise<RegistryEntry | undefined> {
    const replaced = given({ revocationReason: reason });
    let revoked: RegistryEntry | undefined;
    // Also if it is revoked already: what was to bring it back and comes late must not.
    const rule: EntryRule = (known) => {
      const entry = known ?? (old && takingPlaceOf(old, did)) ?? present(did, known);
      revoked = undefined;
      if (old && !isSuccessorOf(entry, old.did)) return entry;
      revoked = put({ ...entry, status: 'revoked', ...replaced });
      return revoked;
    };
    await this.#change(did, rule, ifRevision);
    return revoked;
  }

  /**
   * Puts one DID in the place of another, with its scopes, name and organization: the first succession that is accepted wins
   * (`SUCCESSION_CONFLICT` for another one), and the same one once more changes nothing, but completes what was interrupted.
   * The old DID must be active, the new one unknown; `keys` is the key record of the new one, and a condition counts for the
   * entry of the old one. Fails with `SUCCESSION_INVALID…`, `KEY_RECORD_INVALID`, `LOOKUP_FAILED:DID_NOT_IN_REGISTRY` or
   * `LOOKUP_FAILED:DID_REVOKED`.
   */
  async succeed(
    succession: Succession,
    keys: KeyRecord,
    condition: ChangeCondition = {},
  ): Promise<Result<void>> {
    return this.#attempt(async () => {
      const { ifRevision } = checkCondition('succeed', condition);
      const own = copySuccession(succession);
      const proven = await proveSuccession(own, ownKeys(keys, own.to), this.#clock(), this.#crypto);
      const there = await this.lookup(own.to);
      if (there && !isSuccessorOf(there, own.from))
        throw xlinkError('SUCCESSION_INVALID:IN_USE', { field: 'to' });
      let old!: RegistryEntry;
      const rule: EntryRule = (known) => {
        old = putUnlessSame(known, succeededEntry(known, proven));
        return old;
      };
      await this.#change(own.from, rule, ifRevision);
      try {
        if (old.status !== 'active') throw xlinkError('LOOKUP_FAILED:DID_REVOKED', { field: 'from' });
        await this.#change(own.to, (known) => putUnlessSame(known, successorEntry(known, old, proven.keys)));
      } catch (error) {
        if (isXlinkError(error) && error.id === 'SUCCESSION_INVALID:IN_USE')
          await this.#change(own.from, (known) => putUnlessSame(known, withdrawn(known, own)));
        throw error;
      }
    });
  }

  /**
   * Puts an entry of another registry here as it is: revocations, successions and revision with it. For a move; its key record is
   * proven. Fails with `REGISTRATION_FAILED:ALREADY_REGISTERED` if there is another entry of this DID, and changes nothing if there is
   * the same.
   */
  async restore(entry: RegistryEntry): Promise<Result<void>> {
    return this.#attempt(async () => {
      const own = put(structuredClone(entry));
      if (own.keys) await assertKeyRecord(ownKeys(own.keys, own.did), this.#crypto);
      decodeDidKey(own.did);
      await this.change(own.did, (known) => {
        if (known && canonicalJson(known) !== canonicalJson(own))
          throw xlinkError('REGISTRATION_FAILED:ALREADY_REGISTERED', { field: 'did' });
        return known ?? own;
      });
      this.announce(own.did);
    });
  }

  /** Replaces what the DID may send with (`scopes`) and accept (`receiveScopes`). */
  async updateScopes(did: Did, change: ScopeChange): Promise<Result<void>> {
    return this.#attempt(async () => {
      const { scopes, receiveScopes, ifRevision } = checkScopeChange(change);
      const replaced = given({ sendScopes: ownList(scopes), receiveScopes: ownList(receiveScopes) });
      await this.#change(did, (known) => put({ ...present(did, known), ...replaced }), ifRevision);
    });
  }

  /** Replaces the key record of a known DID. Other keys need a higher epoch (`KEY_RECORD_ROLLED_BACK`) and no fewer keys (`KEY_RECORD_DOWNGRADED`). */
  async updateKeys(record: KeyRecord, condition: ChangeCondition = {}): Promise<Result<void>> {
    return this.#attempt(async () => {
      const keys = ownKeys(record, record?.did);
      const { ifRevision } = checkCondition('updateKeys', condition);
      await assertKeyRecord(keys, this.#crypto);
      const rule: EntryRule = (known) => {
        const entry = present(keys.did, known);
        if (entry.keys) {
          assertSuccessor(entry.keys, keys);
          if (keys.epoch <= entry.keys.epoch) return entry; // the same keys, signed earlier: the epoch only rises
        }
        return put({ ...entry, keys });
      };
      await this.#change(keys.did, rule, ifRevision);
    });
  }

  /** Calls the listener at every change until the returned function is called. What it throws is ignored. */
  onChange(listener: ChangeListener): () => void {
    return this.#listeners.add(listener);
  }

  /** Tells the listeners of a change; for backends that hear of changes elsewhere. */
  protected announce(did: Did | undefined): void {
    this.#listeners.tell(did);
  }

  /** A change on a condition makes a new revision even of an entry that stays as it is: no other with it comes after. */
  async #change(did: Did, rule: EntryRule, ifRevision?: number): Promise<void> {
    if (!looksLikeDidKey(did)) return void rule(undefined); // no backend has to see it
    let changed = false;
    await this.change(did, (known) => {
      const revision = known?.revision ?? 0;
      if ((ifRevision ?? revision) !== revision)
        throw xlinkError('REGISTRATION_FAILED:CHANGED_MEANWHILE', { field: 'ifRevision' });
      const next = rule(known);
      changed = next !== known || ifRevision !== undefined;
      return changed ? Object.freeze({ ...next, revision: revision + 1 }) : next;
    });
    if (changed) this.announce(did);
  }

  async #attempt(change: () => Promise<void>): Promise<Result<void>> {
    try {
      await change();
      return ok(undefined);
    } catch (cause) {
      return err(isXlinkError(cause) ? cause : xlinkError('REGISTRATION_FAILED', { cause }));
    }
  }
}

const put = (entry: RegistryEntry): RegistryEntry =>
  frozenEntry(entry, (field) =>
    xlinkError('REGISTRATION_FAILED', {
      field: field.endsWith('Scopes') ? 'scopes' : field,
      hint: `The member ${field} of the entry has a wrong value${field.endsWith('Scopes') ? '; scopes are an array of strings' : ''}.`,
    }),
  );

const putUnlessSame = (known: RegistryEntry | undefined, next: RegistryEntry): RegistryEntry =>
  next === known ? next : put(next);

/** A copy, made before anything is awaited. A list is told from a string by `put`. */
const ownList = (list: readonly string[] | undefined) => (Array.isArray(list) ? [...list] : list);

function present(did: Did, entry: RegistryEntry | undefined): RegistryEntry {
  if (entry) return entry;
  const hint = looksLikeDidKey(did)
    ? `${did} has no entry: check it, or register it.`
    : 'What was given is no did:key.';
  throw xlinkError('LOOKUP_FAILED:DID_NOT_IN_REGISTRY', { field: 'did', hint });
}

/** A copy, made before anything is awaited: what is proven is what is kept. */
function ownKeys(record: KeyRecord, did: Did): KeyRecord {
  const keys = copyKeyRecord(record);
  if (!keys || keys.did !== did) throw xlinkError('KEY_RECORD_INVALID', { field: 'did' });
  return keys;
}
