import { BoundedMap } from '../../util/bounded-map.js';
import { branded } from '../../util/copies.js';
import { checkOptions, integerIn } from '../../util/options.js';
import type { LeafStore, SeenLeaf } from './ports.js';

/** Options of {@link MemoryLeafStore}. */
export interface MemoryLeafStoreOptions {
  /** Requests that are remembered at most, some 300 bytes each; one more takes the place of the oldest, which is not compared then. Default 100 000. */
  readonly maxLeaves?: number;
}

/**
 * What was seen of requests in sessions, in the memory of this process: a checkpoint is compared with what this process served
 * itself, and with nothing that others did.
 */
export class MemoryLeafStore implements LeafStore {
  static {
    branded(this, 'memory-leaf-store');
  }

  readonly #leaves: BoundedMap<string, SeenLeaf>;

  /** Throws `INVALID_OPTION`. */
  constructor(options: MemoryLeafStoreOptions = {}) {
    checkOptions('MemoryLeafStore', options, { maxLeaves: integerIn(1, 2 ** 24) });
    this.#leaves = new BoundedMap(options.maxLeaves ?? 100_000);
  }

  /** Requests that are remembered now. */
  get size(): number {
    return this.#leaves.size;
  }

  keep(leaf: SeenLeaf): void {
    this.#leaves.set(keyOf(leaf.sid, leaf.seq), leaf);
  }

  take(sid: string, from: number, to: number): readonly SeenLeaf[] {
    const taken: SeenLeaf[] = [];
    for (let seq = from; seq < to; seq++) {
      const leaf = this.#leaves.get(keyOf(sid, seq));
      if (leaf && this.#leaves.delete(keyOf(sid, seq))) taken.push(leaf);
    }
    return taken;
  }
}

const keyOf = (sid: string, seq: number): string => `${sid}.${seq}`;
