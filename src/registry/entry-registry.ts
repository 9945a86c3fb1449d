import type { CryptoProvider } from '../crypto/provider.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import { decodeDidKey, looksLikeDidKey } from '../identity/did.js';
import { assertKeyRecord, assertSuccessor, copyKeyRecord } from '../identity/key-record.js';
import type { Did, KeyRecord, Registration, RegistryEntry } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
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
  readonly #listeners = new ChangeListeners();

  /** `crypto` checks the signatures of key records. Default: the provider of the platform. */
  constructor(crypto?: CryptoProvider) {
    this.#crypto = crypto;
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

  /** Allows a DID with these scopes to send: a new entry without encryption keys, or new scopes and reactivation of an old one. */
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
   * Cuts off one DID and no other, from its next message on. The reason is kept as `revocationReason` of the entry. Fails
   * with `LOOKUP_FAILED:DID_NOT_IN_REGISTRY`.
   */
  async revoke(did: Did, options: RevokeOptions = {}): Promise<Result<void>> {
    return this.#attempt(async () => {
      const { reason, ifRevision } = checkRevokeOptions(options);
      const replaced = given({ revocationReason: reason });
      // Also if it is revoked already: what was to bring it back and comes late must not.
      await this.#change(
        did,
        (known) => put({ ...present(known), status: 'revoked', ...replaced }),
        ifRevision,
      );
    });
  }

  /** Replaces what the DID may send with (`scopes`) and accept (`receiveScopes`). */
  async updateScopes(did: Did, change: ScopeChange): Promise<Result<void>> {
    return this.#attempt(async () => {
      const { scopes, receiveScopes, ifRevision } = checkScopeChange(change);
      const replaced = given({ sendScopes: ownList(scopes), receiveScopes: ownList(receiveScopes) });
      await this.#change(did, (known) => put({ ...present(known), ...replaced }), ifRevision);
    });
  }

  /** Replaces the key record of a known DID. Other keys need a higher epoch (`KEY_RECORD_ROLLED_BACK`) and no fewer keys (`KEY_RECORD_DOWNGRADED`). */
  async updateKeys(record: KeyRecord, condition: ChangeCondition = {}): Promise<Result<void>> {
    return this.#attempt(async () => {
      const keys = ownKeys(record, record?.did);
      const { ifRevision } = checkCondition(condition);
      await assertKeyRecord(keys, this.#crypto);
      const rule: EntryRule = (known) => {
        const entry = present(known);
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
    xlinkError('REGISTRATION_FAILED', { field: field.endsWith('Scopes') ? 'scopes' : field }),
  );

/** A copy, made before anything is awaited. A list is told from a string by `put`. */
const ownList = (list: readonly string[] | undefined) => (Array.isArray(list) ? [...list] : list);

function present(entry: RegistryEntry | undefined): RegistryEntry {
  if (!entry) throw xlinkError('LOOKUP_FAILED:DID_NOT_IN_REGISTRY', { field: 'did' });
  return entry;
}

/** A copy, made before anything is awaited: what is proven is what is kept. */
function ownKeys(record: KeyRecord, did: Did): KeyRecord {
  const keys = copyKeyRecord(record);
  if (!keys || keys.did !== did) throw xlinkError('KEY_RECORD_INVALID', { field: 'did' });
  return keys;
}
