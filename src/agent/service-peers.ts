import type { CryptoProvider } from '../crypto/provider.js';
import type { Result } from '../errors/result.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Did, KeyRecord, RegistryEntry } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { Peers } from './peers.js';

/** Services remembered at most. */
const CAPACITY = 1000;

const OK: Result<void> = { ok: true, value: undefined };

/**
 * The services that an agent calls, with the key records they published. Apart from the trust registry: having been called
 * gives no rights, so none of them may send this agent anything but the answers it asked for.
 */
export class ServicePeers extends Peers {
  readonly #records: BoundedMap<Did, KeyRecord>;

  constructor(crypto: CryptoProvider) {
    const records = new BoundedMap<Did, KeyRecord>(CAPACITY);
    const directory: TrustRegistry = {
      lookup(did): RegistryEntry | undefined {
        const keys = records.get(did);
        return keys && { did, keys, status: 'active', receiveScopes: ['*'] }; // what it accepts is its own decision
      },
      register: () => OK,
      updateKeys: () => OK,
    };
    super(directory, crypto);
    this.#records = records;
  }

  knows(did: Did): boolean {
    return this.#records.get(did) !== undefined;
  }

  override forget(did: Did): void {
    super.forget(did);
    this.#records.delete(did);
  }

  /**
   * Takes the record of a service that was discovered, or a newer one. Throws `KEY_RECORD_…` for one that is invalid, older
   * or weaker than what is known; the same keys under an older epoch come from another instance.
   */
  async adopt(record: KeyRecord): Promise<void> {
    const known = this.#records.get(record.did);
    this.#records.set(record.did, record);
    try {
      await this.resolve(record.did, 'recipient');
    } catch (error) {
      if (known) this.#records.set(record.did, known);
      else this.#records.delete(record.did);
      throw error;
    }
  }
}
