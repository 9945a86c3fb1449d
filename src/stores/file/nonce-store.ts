import { xlinkError } from '../../errors/errors.js';
import { nonceKey } from '../../nonce/nonce-key.js';
import type { NonceStore, NonceUse } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { checkOptions, integerIn, isFunction, isString, requireOption } from '../../util/options.js';
import { Journal } from './journal.js';
import { JournalQueue } from './journal-queue.js';

/** Options of {@link FileNonceStore}. */
export interface FileNonceStoreOptions {
  /** The file; it and its folder are made if they are not there. Beside it there are a lock and, for a moment, a copy. */
  readonly path: string;
  /** Nonces held at most. Full means: nothing more is accepted until some expire. Default 1 000 000 (some 300 MB of memory). */
  readonly maxEntries?: number;
  /** Of these, how many one sender may hold. Default a tenth of `maxEntries`. */
  readonly maxEntriesPerSender?: number;
  /** Told that the end of the file was damaged and was cut off, as after a crash. Default: nobody is told. */
  readonly onRepair?: (cut: { readonly path: string; readonly bytes: number }) => void;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

const FORMAT = 'xlink-nonces';
/** A line of the file for one nonce, about; and what the file may hold of nonces that have expired. */
const BYTES_PER_NONCE = 180;
const GROWTH_ALLOWANCE = 4 * 1024 * 1024;

/** Key of a nonce, and when it may be forgotten in ms since 1970. */
type Entry = readonly [key: string, expiresAt: number];

const senderOf = (key: string): string => key.split(' ')[1]!;

/**
 * Nonces in a file, for one process: they outlive it, so messages may come late (`maxAgeMs`) and a restart opens no gap.
 * A claim is on the disk before it counts; claims that come together share one write. A reservation is kept in memory
 * only, so what its handler did not finish is free again after a crash. Fails closed: what cannot be written is refused
 * with `NONCE_STORE_UNAVAILABLE`. Several processes for one DID need a store that they share.
 */
export class FileNonceStore implements NonceStore {
  readonly #maxEntries: number;
  readonly #maxPerSender: number;
  readonly #clock: Clock;
  readonly #queue: JournalQueue;
  /** On the disk. */
  readonly #claimed: Map<string, number>;
  /** Reserved, or about to be written. */
  readonly #pending = new Set<string>();
  readonly #perSender = new Map<string, number>();
  #sweptAt = -Infinity;

  private constructor(options: FileNonceStoreOptions, journal: Journal, claimed: Map<string, number>) {
    this.#maxEntries = options.maxEntries ?? 1_000_000;
    this.#maxPerSender = options.maxEntriesPerSender ?? Math.ceil(this.#maxEntries / 10);
    this.#clock = options.clock ?? Date.now;
    this.#claimed = claimed;
    for (const key of claimed.keys()) this.#count(key, 1);
    this.#queue = new JournalQueue({
      journal,
      maxBytes: () => claimed.size * BYTES_PER_NONCE * 2 + GROWTH_ALLOWANCE,
      snapshot: () => {
        this.#forgetExpired();
        return claimed.entries();
      },
    });
  }

  /** Rejects with `INVALID_OPTION`, or where the file is locked by another process, damaged, or of another kind. */
  static async open(options: FileNonceStoreOptions): Promise<FileNonceStore> {
    checkOptions('FileNonceStore', options, {
      path: isString,
      maxEntries: integerIn(1, 2 ** 24),
      maxEntriesPerSender: integerIn(1, 2 ** 24),
      onRepair: isFunction,
      clock: isFunction,
    });
    requireOption('FileNonceStore', options, 'path');
    const now = (options.clock ?? Date.now)();
    const claimed = new Map<string, number>();
    const journal = await Journal.open({
      path: options.path,
      format: FORMAT,
      onRepair: options.onRepair,
      replay(values) {
        for (const [key, expiresAt] of entriesIn(values)) if (expiresAt >= now) claimed.set(key, expiresAt);
      },
    });
    return new FileNonceStore(options, journal, claimed);
  }

  /** Nonces on the disk. */
  get size(): number {
    return this.#claimed.size;
  }

  seen(use: NonceUse): boolean {
    const key = nonceKey(use);
    return this.#pending.has(key) || (this.#claimed.get(key) ?? -1) >= this.#clock();
  }

  async claim(use: NonceUse, ttlMs: number): Promise<boolean> {
    if (!this.reserve(use)) return false;
    await this.settle(use, ttlMs, true);
    return true;
  }

  reserve(use: NonceUse): boolean {
    if (this.seen(use)) return false;
    if (this.#claimed.size + this.#pending.size >= this.#maxEntries) this.#forgetExpired();
    if ((this.#perSender.get(use.sender) ?? 0) >= this.#maxPerSender) this.#forgetExpired();
    if ((this.#perSender.get(use.sender) ?? 0) >= this.#maxPerSender)
      throw xlinkError('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
    if (this.#claimed.size + this.#pending.size >= this.#maxEntries)
      throw xlinkError('NONCE_STORE_UNAVAILABLE:FULL');
    const key = nonceKey(use);
    if (this.#claimed.delete(key)) this.#count(key, -1); // it had expired
    this.#pending.add(key);
    this.#count(key, 1);
    return true;
  }

  async settle(use: NonceUse, ttlMs: number, claimed: boolean): Promise<void> {
    const key = nonceKey(use);
    if (!claimed) return this.#release(key);
    const expiresAt = Math.ceil(this.#clock() + ttlMs);
    try {
      await this.#queue.write([key, expiresAt], () => {
        this.#claimed.set(key, expiresAt);
        this.#pending.delete(key);
      });
    } catch (cause) {
      this.#release(key);
      throw xlinkError('NONCE_STORE_UNAVAILABLE', { cause });
    }
  }

  /** Writes what is still to be written, and lets another process have the file. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  #release(key: string): void {
    if (this.#pending.delete(key)) this.#count(key, -1);
  }

  /** Once a second at most: it looks at all of them. */
  #forgetExpired(): void {
    const now = this.#clock();
    if (Math.abs(now - this.#sweptAt) < 1000) return;
    this.#sweptAt = now;
    for (const [key, expiresAt] of this.#claimed) {
      if (expiresAt >= now) continue;
      this.#claimed.delete(key);
      this.#count(key, -1);
    }
  }

  #count(key: string, by: 1 | -1): void {
    const sender = senderOf(key);
    const count = (this.#perSender.get(sender) ?? 0) + by;
    if (count > 0) this.#perSender.set(sender, count);
    else this.#perSender.delete(sender);
  }
}

function entriesIn(values: unknown): readonly Entry[] {
  const isEntry = (entry: unknown) =>
    Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number';
  if (Array.isArray(values) && values.every(isEntry)) return values as Entry[];
  throw new TypeError('a line holds a list of nonces');
}
