import type { Did, KeyRecord } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { hasMethods } from '../util/options.js';

/** One epoch of encryption keys as it is stored. Opens with the seed of the identity and the wrapping key together, with neither alone. */
export interface StoredEpoch extends Pick<KeyRecord, 'keyEpoch' | 'notBefore' | 'notAfter'> {
  /** The member `epoch` of its key records: above that of the epoch before, whatever the clocks say. */
  readonly recordEpoch: number;
  /** After this time no message sealed to it is taken any more, and the keys are erased; ms since 1970. */
  readonly eraseAfter: number;
  /** Names the wrapping key: a tag of the identity, `keyEpoch`, and 16 random bytes; 41 to 56 characters. */
  readonly wrappingKey: string;
  /** The private keys, encrypted; base64url. */
  readonly sealed: string;
}

/** All epochs of one identity. */
export interface StoredEpochs {
  /** The identity. */
  readonly did: Did;
  /** Oldest first. Those that were erased are not in it. */
  readonly epochs: readonly StoredEpoch[];
  /** The highest number there ever was. */
  readonly highest: number;
  /** Until when messages sealed to the keys derived from the seed are taken, in ms since 1970: they end once there is a store. */
  readonly derivedUntil: number;
}

/**
 * Holds the wrapping keys, in another place than what they wrap: erasing one ends the epoch for good, also for who holds a
 * copy of the other place made before and the seed. A copy of both, made before, opens it.
 */
export interface WrappingKeyStore {
  /** 32 bytes, durable when it resolves. `id`: letters, digits, `_`, `-` and `.`; at most 64 characters. */
  put(id: string, key: Uint8Array): Awaitable<void>;
  /** `undefined`: there is none of this name. */
  get(id: string): Awaitable<Uint8Array | undefined>;
  /** Destroys the key in place: nothing of it is left in the store when it resolves. None of this name: nothing happens. */
  destroy(id: string): Awaitable<void>;
  /** Names of all that there are, of other identities too if they share the place. */
  ids(): Awaitable<readonly string[]>;
}

export const isWrappingKeyStore = hasMethods('put', 'get', 'destroy', 'ids');

/** Where the encryption keys of an identity are kept, shared by all instances of a service. A rejection means it is down. */
export interface KeyStore {
  /** `undefined`: there is nothing yet. */
  load(): Awaitable<{ readonly value: StoredEpochs; readonly version: number } | undefined>;
  /**
   * Atomically: false, and nothing written, unless `expectedVersion` is still the one that is there (0: nothing). Durable when
   * it resolves. After a rejection it may be written all the same.
   */
  save(value: StoredEpochs, expectedVersion: number): Awaitable<boolean>;
  /** Where the keys are that encrypt what is stored here. */
  readonly wrappingKeys: WrappingKeyStore;
}

/** Epochs in the memory of this process: for tests, and for services that may lose what is in transit at a restart. */
export class MemoryKeyStore implements KeyStore {
  readonly #keys = new Map<string, Uint8Array>();
  #stored: { readonly value: StoredEpochs; readonly version: number } | undefined;

  readonly wrappingKeys: WrappingKeyStore = {
    put: (id, key) => void this.#keys.set(id, Uint8Array.from(key)),
    get: (id) => this.#keys.get(id)?.slice(),
    destroy: (id) => {
      this.#keys.get(id)?.fill(0);
      this.#keys.delete(id);
    },
    ids: () => [...this.#keys.keys()],
  };

  load() {
    return this.#stored;
  }

  save(value: StoredEpochs, expectedVersion: number): boolean {
    if ((this.#stored?.version ?? 0) !== expectedVersion) return false;
    this.#stored = { value, version: expectedVersion + 1 };
    return true;
  }
}
