import type { CryptoProvider } from '../crypto/provider.js';
import type { Clock, Did, RegistryEntry } from '../types/protocol.js';
import { checkOptions, isObject, isPromptFunction } from '../util/options.js';
import { EntryRegistry, type EntryRule } from './entry-registry.js';

/** Options of {@link MemoryTrustRegistry}. */
export interface MemoryTrustRegistryOptions {
  /** Checks the signatures of key records. Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
  /** Says how old a succession is. Default `Date.now`. */
  readonly clock?: Clock;
}

/**
 * A trust registry in the memory of this process. Every change takes effect with the next message. Key records are
 * checked on the way in; entries are frozen, so what `lookup` returns cannot be changed behind its back.
 */
export class MemoryTrustRegistry extends EntryRegistry {
  readonly #entries = new Map<Did, RegistryEntry>();

  /** Throws `INVALID_OPTION`. */
  constructor(options: MemoryTrustRegistryOptions = {}) {
    checkOptions('MemoryTrustRegistry', options, { crypto: isObject, clock: isPromptFunction });
    super(options.crypto, options.clock);
  }

  lookup(did: Did): RegistryEntry | undefined {
    return this.#entries.get(did);
  }

  /** All entries, revoked ones included. */
  list(): RegistryEntry[] {
    return [...this.#entries.values()];
  }

  /** Nothing is awaited, so nothing comes between. */
  protected async change(did: Did, rule: EntryRule): Promise<void> {
    this.#entries.set(did, rule(this.#entries.get(did)));
  }
}
