import { MemoryClientStore } from '../adapters/clients/memory-store.js';
import type { ModeState, ModeStore, StoredMode } from '../adapters/modes/store.js';
import { MemoryNonceStore } from '../nonce/memory.js';
import { MemoryTrustRegistry } from '../registry/memory.js';
import type { Clock } from '../types/protocol.js';
import { given } from '../util/given.js';
import { checkOptions, isPromptFunction } from '../util/options.js';
import { tell } from '../util/tell.js';

/** The shared mode in memory, for tests: it is gone with the test. */
export class MemoryModeStore implements ModeStore {
  #state: StoredMode | undefined;
  readonly #listeners = new Set<() => void>();

  load(): StoredMode | undefined {
    return this.#state;
  }

  save(state: ModeState, expectedVersion: number): boolean {
    const version = this.#state?.version ?? 0;
    if (version !== expectedVersion) return false;
    this.#state = { ...state, version: version + 1 };
    for (const listener of this.#listeners) tell(listener);
    return true;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Everything that an API keeps, in memory. */
export interface MemoryStores {
  /** For the agent: which callers are enrolled. */
  readonly registry: MemoryTrustRegistry;
  /** For the agent: what was accepted once. Envelopes from before it was made are taken, as nobody else took them. */
  readonly nonceStore: MemoryNonceStore;
  /** For the adapter: who uses what. */
  readonly clients: MemoryClientStore;
  /** For a `SharedMode`. */
  readonly modes: MemoryModeStore;
}

/** Fresh stores for one test. `clock`: that of the agent and the adapter, default `Date.now`. Throws `INVALID_OPTION`. */
export function memoryStores(options: { readonly clock?: Clock } = {}): MemoryStores {
  checkOptions('memoryStores', options, { clock: isPromptFunction });
  const clock = given({ clock: options.clock });
  return {
    registry: new MemoryTrustRegistry(clock),
    nonceStore: new MemoryNonceStore({ ...clock, coldStart: 'accept' }),
    clients: new MemoryClientStore(),
    modes: new MemoryModeStore(),
  };
}
