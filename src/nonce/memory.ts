import { xlinkError } from '../errors/errors.js';
import type { NonceStore, NonceUse } from '../types/ports.js';
import type { Clock } from '../types/protocol.js';
import { branded } from '../util/copies.js';
import { checkOptions, integerIn, isPromptFunction, oneOf } from '../util/options.js';
import { nonceKey } from './nonce-key.js';

/** Options of {@link MemoryNonceStore}. */
export interface MemoryNonceStoreOptions {
  /** Nonces held at most. Full means: nothing more is accepted until some expire. Default 1 000 000 (some 150 MB). */
  readonly maxEntries?: number;
  /** Of these, how many one sender may hold, so that no sender can fill the store. Default a tenth of `maxEntries`. */
  readonly maxEntriesPerSender?: number;
  /**
   * What to do with envelopes made before this store was: a previous process may have accepted them. `refuse` (default)
   * answers `NONCE_STORE_UNAVAILABLE:COLD_START`, and a client that seals anew gets through; `accept` takes the risk.
   */
  readonly coldStart?: 'refuse' | 'accept';
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** Nonces that were claimed in one stretch of time. Dropped whole: no timer and no sweep per entry. */
interface Generation {
  readonly nonces: Set<string>;
  readonly perSender: Map<string, number>;
  /** When the last of its nonces may be forgotten. */
  expiresAt: number;
}

const holds = (generations: readonly Generation[], key: string): boolean =>
  generations.some(({ nonces }) => nonces.has(key));
const countOf = (generations: readonly Generation[]): number =>
  generations.reduce((sum, { nonces }) => sum + nonces.size, 0);

/** A nonce lives its time to live, plus at most a quarter of it. */
const GENERATIONS_PER_TTL = 4;

/**
 * Nonces in the memory of this process. Lost at a restart and not shared between processes: for several instances use a
 * store that is. Expiry drops a whole generation at a time, so its cost does not depend on the number of entries.
 */
export class MemoryNonceStore implements NonceStore {
  static {
    branded(this, 'memory-nonce-store');
  }

  readonly #maxEntries: number;
  readonly #maxPerSender: number;
  /** What it does with envelopes made before it was. */
  readonly coldStart: 'refuse' | 'accept';
  readonly #refuseBefore: number;
  readonly #clock: Clock;
  /** Oldest first; at most GENERATIONS_PER_TTL + 1 of them for one time to live. */
  #generations: Generation[] = [];
  #openUntil = 0;

  /** Throws `INVALID_OPTION`. */
  constructor(options: MemoryNonceStoreOptions = {}) {
    checkOptions('MemoryNonceStore', options, {
      maxEntries: integerIn(1, 2 ** 24),
      maxEntriesPerSender: integerIn(1, 2 ** 24),
      coldStart: oneOf('refuse', 'accept'),
      clock: isPromptFunction,
    });
    this.#maxEntries = options.maxEntries ?? 1_000_000;
    this.#maxPerSender = options.maxEntriesPerSender ?? Math.ceil(this.#maxEntries / 10);
    this.#clock = options.clock ?? Date.now;
    this.coldStart = options.coldStart ?? 'refuse';
    this.#refuseBefore = this.coldStart === 'accept' ? -Infinity : this.#clock();
  }

  /** Nonces held now. */
  get size(): number {
    return countOf(this.#live());
  }

  seen(use: NonceUse): boolean {
    this.#refuseColdStart(use);
    return holds(this.#live(), nonceKey(use));
  }

  claim(use: NonceUse, ttlMs: number): boolean {
    this.#refuseColdStart(use);
    const key = nonceKey(use);
    const live = this.#live();
    if (holds(live, key)) return false;
    const held = live.reduce((sum, { perSender }) => sum + (perSender.get(use.sender) ?? 0), 0);
    if (held >= this.#maxPerSender) throw xlinkError('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
    if (countOf(live) >= this.#maxEntries) throw xlinkError('NONCE_STORE_UNAVAILABLE:FULL');
    const { nonces, perSender } = this.#open(ttlMs);
    nonces.add(key);
    perSender.set(use.sender, (perSender.get(use.sender) ?? 0) + 1);
    return true;
  }

  /** All claims here end with the process. */
  reserve(use: NonceUse, ttlMs: number): boolean {
    return this.claim(use, ttlMs);
  }

  settle(use: NonceUse, _ttlMs: number, claimed: boolean): void {
    if (claimed) return;
    for (const { nonces, perSender } of this.#generations)
      if (nonces.delete(nonceKey(use))) perSender.set(use.sender, (perSender.get(use.sender) ?? 1) - 1);
  }

  #refuseColdStart({ timestamp }: NonceUse): void {
    if (timestamp < this.#refuseBefore)
      throw xlinkError('NONCE_STORE_UNAVAILABLE:COLD_START', { field: 'timestamp' });
  }

  #live(): Generation[] {
    const now = this.#clock();
    while (this.#generations.length > 0 && this.#generations[0]!.expiresAt < now) this.#generations.shift();
    return this.#generations;
  }

  /** The generation that takes new nonces; a new one for every quarter of the time to live. */
  #open(ttlMs: number): Generation {
    const now = this.#clock();
    const current = this.#generations.at(-1);
    if (current && now < this.#openUntil) {
      current.expiresAt = Math.max(current.expiresAt, now + ttlMs);
      return current;
    }
    this.#openUntil = now + ttlMs / GENERATIONS_PER_TTL;
    const next: Generation = { nonces: new Set(), perSender: new Map(), expiresAt: now + ttlMs };
    this.#generations.push(next);
    return next;
  }
}
