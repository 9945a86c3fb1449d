import { xlinkError } from '../../errors/service-errors.js';
import type { Clock } from '../../types/protocol.js';
import { branded } from '../../util/copies.js';
import { checkOptions, integerIn, isPromptFunction } from '../../util/options.js';
import type { SequenceStore, SequenceUse } from '../ports.js';

/** Options of {@link MemorySequenceStore}. */
export interface MemorySequenceStoreOptions {
  /**
   * Blocks of 1024 numbers that are held at most, of some 300 bytes. Full means: nothing more is accepted until some expire. Default
   * 100 000.
   */
  readonly maxBlocks?: number;
  /** Of these, how many one client may hold, over all of its DIDs. Default a tenth of `maxBlocks`. */
  readonly maxBlocksPerSender?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** Numbers in one block. */
export const BLOCK_NUMBERS = 1024;

interface Block {
  readonly bits: Uint8Array;
  readonly holder: string;
  expiresAt: number;
}

/** How often blocks that are over are looked for, as a part of their time to live, and in ms at most. */
const SWEEPS_PER_TTL = 4;
const SWEEP_EVERY_MS = 90_000;

/**
 * Numbers of requests in the memory of this process: one bit each. Lost at a restart and not shared between processes: for several
 * instances use a store that is.
 */
export class MemorySequenceStore implements SequenceStore {
  static {
    branded(this, 'memory-sequence-store');
  }

  readonly #maxBlocks: number;
  readonly #maxPerSender: number;
  readonly #clock: Clock;
  /** An earlier process may have received what was made before. */
  readonly #since: number;
  readonly #blocks = new Map<string, Block>();
  readonly #perSender = new Map<string, number>();
  #sweepAt = 0;

  /** Throws `INVALID_OPTION`. */
  constructor(options: MemorySequenceStoreOptions = {}) {
    checkOptions('MemorySequenceStore', options, {
      maxBlocks: integerIn(1, 2 ** 24),
      maxBlocksPerSender: integerIn(1, 2 ** 24),
      clock: isPromptFunction,
    });
    this.#maxBlocks = options.maxBlocks ?? 100_000;
    this.#maxPerSender = options.maxBlocksPerSender ?? Math.ceil(this.#maxBlocks / 10);
    this.#clock = options.clock ?? Date.now;
    this.#since = this.#clock();
  }

  /** Blocks held now; those that are over count until they are swept. */
  get size(): number {
    return this.#blocks.size;
  }

  claimSequence({ sender, client, sid, seq, timestamp }: SequenceUse, ttlMs: number): boolean {
    if (timestamp < this.#since)
      throw xlinkError('NONCE_STORE_UNAVAILABLE:COLD_START', { field: 'timestamp' });
    const now = this.#clock();
    if (now >= this.#sweepAt) this.#sweep(now, ttlMs);
    const key = `${sid}${seq >>> 10}${sender}`;
    const block = this.#blocks.get(key) ?? this.#newBlock(key, client ?? sender);
    const at = (seq & (BLOCK_NUMBERS - 1)) >>> 3;
    const bit = 1 << (seq & 7);
    if (block.bits[at]! & bit) return false;
    block.bits[at]! |= bit;
    block.expiresAt = Math.max(block.expiresAt, now + ttlMs);
    return true;
  }

  #newBlock(key: string, holder: string): Block {
    const held = this.#perSender.get(holder) ?? 0;
    if (held >= this.#maxPerSender) throw xlinkError('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
    if (this.#blocks.size >= this.#maxBlocks) throw xlinkError('NONCE_STORE_UNAVAILABLE:FULL');
    const block: Block = { bits: new Uint8Array(BLOCK_NUMBERS / 8), holder, expiresAt: 0 };
    this.#blocks.set(key, block);
    this.#perSender.set(holder, held + 1);
    return block;
  }

  #sweep(now: number, ttlMs: number): void {
    this.#sweepAt = now + Math.min(ttlMs / SWEEPS_PER_TTL, SWEEP_EVERY_MS);
    for (const [key, { expiresAt, holder }] of this.#blocks) {
      if (expiresAt >= now) continue;
      this.#blocks.delete(key);
      const left = this.#perSender.get(holder)! - 1;
      if (left > 0) this.#perSender.set(holder, left);
      else this.#perSender.delete(holder);
    }
  }
}
