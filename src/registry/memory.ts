import { equalBytes } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { toXlinkError, xlinkError } from '../errors.js';
import { decodeDidKey } from '../identity/did.js';
import { assertKeyRecord, assertSuccessor } from '../identity/key-record.js';
import { err, ok, type Result } from '../result.js';
import type { Did, KeyRecord, Registration, RegistryEntry, Scope, TrustRegistry } from '../types.js';

export interface MemoryTrustRegistryOptions {
  /** Checks the signatures of key records. Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

/** The arguments of the papers' long form of `register`. */
export type PositionalRegistration = [
  did: Did,
  publicKey: Uint8Array,
  name?: string,
  sendScopes?: readonly Scope[],
  x25519?: undefined,
  mlKem768?: undefined,
  mlDsa65?: undefined,
  xchange?: boolean,
  receiveScopes?: readonly Scope[],
];

/**
 * A trust registry in the memory of this process. Every change takes effect with the next message. Key records are
 * checked on the way in; entries are frozen, so what `lookup` returns cannot be changed behind its back.
 */
export class MemoryTrustRegistry implements TrustRegistry {
  readonly #entries = new Map<Did, RegistryEntry>();
  readonly #crypto: CryptoProvider | undefined;

  constructor(options: MemoryTrustRegistryOptions = {}) {
    this.#crypto = options.crypto;
  }

  lookup(did: Did): RegistryEntry | undefined {
    return this.#entries.get(did);
  }

  /** All entries, revoked ones included. */
  list(): RegistryEntry[] {
    return [...this.#entries.values()];
  }

  /** Adds a DID. Fails with `REGISTRATION_FAILED:ALREADY_REGISTERED`, `INVALID_DID` or `KEY_RECORD_INVALID`. */
  async register(...args: [entry: Registration] | PositionalRegistration): Promise<Result<void>> {
    return this.#attempt(async () => {
      const entry =
        typeof args[0] === 'string'
          ? fromPositional(args as PositionalRegistration)
          : (args[0] as Registration);
      decodeDidKey(entry?.did);
      if (entry.keys) await this.#assertKeys(entry.did, entry.keys);
      if (this.#entries.has(entry.did))
        throw xlinkError('REGISTRATION_FAILED:ALREADY_REGISTERED', { field: 'did' });
      this.#put({ ...entry, status: 'active' });
    });
  }

  /** Allows a DID with these scopes to send: a new entry without encryption keys, or new scopes and reactivation of an old one. */
  async add(
    did: Did,
    grant: { readonly scopes?: readonly Scope[]; readonly name?: string } = {},
  ): Promise<Result<void>> {
    return this.#attempt(() => {
      decodeDidKey(did);
      const { scopes, name } = grant;
      this.#put({
        ...this.#entries.get(did),
        did,
        status: 'active',
        ...(scopes ? { sendScopes: scopes } : {}),
        ...(name === undefined ? {} : { name }),
      });
    });
  }

  /** Cuts off one DID and no other, from its next message on. Fails with `LOOKUP_FAILED:DID_NOT_IN_REGISTRY`. */
  async revoke(did: Did): Promise<Result<void>> {
    return this.#attempt(() => this.#put({ ...this.#known(did), status: 'revoked' }));
  }

  /** Replaces what the DID may send with (`scopes`) and accept (`receiveScopes`). */
  async updateScopes(
    did: Did,
    change: { readonly scopes?: readonly Scope[]; readonly receiveScopes?: readonly Scope[] },
  ): Promise<Result<void>> {
    return this.#attempt(() => {
      const { scopes, receiveScopes } = change;
      this.#put({
        ...this.#known(did),
        ...(scopes ? { sendScopes: scopes } : {}),
        ...(receiveScopes ? { receiveScopes } : {}),
      });
    });
  }

  /** Replaces the key record of a known DID. Other keys need a higher epoch (`KEY_RECORD_ROLLED_BACK`) and no fewer keys (`KEY_RECORD_DOWNGRADED`). */
  async updateKeys(keys: KeyRecord): Promise<Result<void>> {
    return this.#attempt(async () => {
      await this.#assertKeys(keys.did, keys);
      const entry = this.#known(keys.did);
      if (entry.keys) {
        assertSuccessor(entry.keys, keys);
        if (keys.epoch <= entry.keys.epoch) return; // the same keys, signed earlier: the epoch only rises
      }
      this.#put({ ...entry, keys });
    });
  }

  #known(did: Did): RegistryEntry {
    const entry = this.#entries.get(did);
    if (!entry) throw xlinkError('LOOKUP_FAILED:DID_NOT_IN_REGISTRY', { field: 'did' });
    return entry;
  }

  #put(entry: RegistryEntry): void {
    const copy = (list?: readonly string[]) => {
      if (list === undefined) return undefined;
      if (!Array.isArray(list)) throw xlinkError('REGISTRATION_FAILED', { field: 'scopes' }); // '*' as a text would grant all
      return Object.freeze([...list]);
    };
    const { keys, capabilities, sendScopes, receiveScopes, ...rest } = entry;
    const members = {
      ...rest,
      keys: keys && Object.freeze({ ...keys }),
      capabilities: copy(capabilities),
      sendScopes: copy(sendScopes),
      receiveScopes: copy(receiveScopes),
    };
    const present = Object.entries(members).filter(([, value]) => value !== undefined);
    this.#entries.set(entry.did, Object.freeze(Object.fromEntries(present)) as unknown as RegistryEntry);
  }

  async #assertKeys(did: Did, keys: KeyRecord): Promise<void> {
    if (keys.did !== did) throw xlinkError('KEY_RECORD_INVALID', { field: 'did' });
    await assertKeyRecord(keys, this.#crypto);
  }

  async #attempt(change: () => void | Promise<void>): Promise<Result<void>> {
    try {
      await change();
      return ok(undefined);
    } catch (error) {
      return err(toXlinkError(error));
    }
  }
}

function fromPositional(args: PositionalRegistration): Registration {
  const [did, publicKey, name, sendScopes, x25519, mlKem768, mlDsa65, xchange, receiveScopes] = args;
  if ([x25519, mlKem768, mlDsa65].some((key) => key !== undefined))
    throw xlinkError('REGISTRATION_FAILED:KEYS_UNSIGNED');
  if (!(publicKey instanceof Uint8Array) || !equalBytes(decodeDidKey(did), publicKey))
    throw xlinkError('INVALID_DID', { field: 'publicKey' });
  return {
    did,
    ...(name === undefined ? {} : { name }),
    ...(sendScopes ? { sendScopes } : {}),
    ...(receiveScopes ? { receiveScopes } : {}),
    ...(xchange ? { xchange } : {}),
  };
}
