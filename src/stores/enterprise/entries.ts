import { isXlinkError, xlinkError } from '../../errors/service-errors.js';
import type { HttpTrustRegistry } from '../../registry/http.js';
import type { Clock, Did, RegistryEntry } from '../../types/protocol.js';
import { given } from '../../util/given.js';
import { afterWrites, unconditional, type Write } from './change.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { Seen } from './fact.js';
import type { EnterpriseStore } from './journal.js';
import type { EnterpriseEvent } from './options.js';

export interface EntriesOptions {
  readonly http: HttpTrustRegistry;
  readonly store: EnterpriseStore;
  readonly reach: CircuitBreaker;
  readonly maxStaleMs: number;
  readonly clock: Clock;
  readonly tell: (event: EnterpriseEvent) => void;
}

/** Entries as the registry shows them, or showed them not too long ago. Changes that wait are not in them. */
export class Entries {
  readonly #options: EntriesOptions;

  constructor(options: EntriesOptions) {
    this.#options = options;
  }

  /** Throws `LOOKUP_FAILED` if neither the registry nor the file can tell. */
  async entryOf(did: Did): Promise<RegistryEntry | undefined> {
    const { store, reach } = this.#options;
    const answer = await this.#ask((http) => http.lookup(did));
    if (answer) {
      void this.#remember(did, answer.value, answer.at, answer.order);
      return answer.value;
    }
    const seen = store.seen(did);
    if (!seen || !this.#isFresh(seen)) throw xlinkError('LOOKUP_FAILED', { cause: reach.failure });
    return seen.entry;
  }

  async all(): Promise<RegistryEntry[]> {
    const answer = await this.#ask((http) => http.list());
    if (answer) return answer.value;
    const fresh = this.#options.store.allSeen().filter((seen) => this.#isFresh(seen));
    return fresh.map(({ entry }) => entry);
  }

  /** The registry made a change. It was not asked for the entry, so what is remembered follows but is no fresher. */
  async follow(write: Write): Promise<void> {
    const { store, reach, clock } = this.#options;
    if (write.operation === 'revoke' && write.options?.successors)
      for (const { entry } of store.allSeen())
        if (entry.predecessors?.includes(write.did))
          await this.follow({
            operation: 'revoke',
            did: entry.did,
            options: given({ reason: write.options.reason }),
          });
    const seen = store.seen(write.did);
    const { order } = reach.ask();
    // The rest of the entry is not known; an answer that is on its way is out of date all the same.
    if (!seen && write.operation !== 'register') return store.outdate(write.did, order);
    const entry = await afterWrites(seen?.entry, [unconditional(write)]); // it was made
    await this.#remember(write.did, entry, seen?.at ?? clock(), order);
  }

  /** What the registry says, and when it was asked; `undefined` if it cannot be asked now. */
  async #ask<T>(question: (http: HttpTrustRegistry) => Promise<T>) {
    const { http, reach } = this.#options;
    if (reach.isQuiet) return undefined;
    const asked = reach.ask();
    try {
      const value = await question(http);
      reach.answered();
      return { ...asked, value };
    } catch (error) {
      if (isUnauthorized((error as Error).cause)) throw error; // that is an answer
      reach.failed(error);
      return undefined;
    }
  }

  /** A clock that was set back is no reason to trust what is old. */
  #isFresh({ at }: Seen): boolean {
    const { maxStaleMs, clock } = this.#options;
    return maxStaleMs > 0 && Math.abs(clock() - at) <= maxStaleMs;
  }

  async #remember(did: Did, entry: RegistryEntry | undefined, at: number, order: number): Promise<void> {
    const { store, maxStaleMs, tell } = this.#options;
    try {
      await store.remember(did, entry, at, order, Math.max(1000, maxStaleMs / 10));
    } catch (error) {
      tell({ type: 'fallback-failed', error });
    }
  }
}

/** Whether it was for want of the token. */
export const isUnauthorized = (error: unknown): boolean =>
  isXlinkError(error) && error.id === 'REGISTRATION_FAILED:UNAUTHORIZED';
