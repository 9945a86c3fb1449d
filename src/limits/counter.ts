import type { Clock } from '../types/protocol.js';
import { MemoryLimitStore } from './memory-store.js';
import type { LimitCount, LimitStore } from './store.js';

/** Counts in a store; while that is down this process counts for itself, and refuses nobody for it. */
export class LimitCounter {
  readonly #memory: MemoryLimitStore;
  readonly #store: LimitStore;
  readonly #onFault: (error: unknown) => void;

  /** `store`: default the memory of this process. `clock`: of that memory; default one that nobody sets. `onFault` is told what the store throws. */
  constructor(store: LimitStore | undefined, clock: Clock | undefined, onFault: (error: unknown) => void) {
    this.#memory = new MemoryLimitStore(clock);
    this.#store = store ?? this.#memory;
    this.#onFault = onFault;
  }

  async take(name: string, windowMs: number): Promise<LimitCount> {
    try {
      return counted(await this.#store.take(name, windowMs));
    } catch (error) {
      this.#onFault(error);
      return this.#memory.take(name, windowMs);
    }
  }
}

/** Of what is no number no limit is exceeded. */
function counted(answer: LimitCount): LimitCount {
  const { count, resetMs } = answer;
  if (Number.isFinite(count) && Number.isFinite(resetMs)) return answer;
  throw new TypeError('a store of limits must answer with count and resetMs, which are numbers');
}
