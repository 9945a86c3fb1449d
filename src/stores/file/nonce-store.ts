import { xlinkError } from '../../errors/errors.js';
import { nonceKey } from '../../nonce/nonce-key.js';
import type { NonceStore, NonceUse } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { checkOptions, integerIn, isPromptFunction, oneOf, requireOption } from '../../util/options.js';
import { DEFAULT_LOCK_WAIT_MS, FILE_OPTION_CHECKS, type FileStoreOptions } from './file-options.js';
import type { Continuity } from './journal-file.js';
import { JournalQueue } from './journal-queue.js';
import { type NonceLine, nonceLineFrom } from './nonce-line.js';

/** Options of {@link FileNonceStore}. */
export interface FileNonceStoreOptions extends FileStoreOptions {
  /** Nonces held at most. Full means: nothing more is accepted until some expire. Default 1 000 000 (some 300 MB of memory). */
  readonly maxEntries?: number;
  /** Of these, how many one sender may hold. Default a tenth of `maxEntries`. */
  readonly maxEntriesPerSender?: number;
  /**
   * What to do with envelopes made before a file that is new: an earlier process may have accepted them. `refuse` (default)
   * answers `NONCE_STORE_UNAVAILABLE:COLD_START`; `accept` takes the risk, so that a first start gets what waits at a relay.
   * A file that lost something refuses them in any case.
   */
  readonly coldStart?: 'refuse' | 'accept';
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

const senderOf = (key: string): string => key.split(' ')[1]!;

/**
 * Nonces in a file, for one process: they outlive it, so messages may come late (`maxAgeMs`) and a restart opens no gap.
 * A claim is on the disk before it counts; claims that come together share one write. A reservation is kept in memory
 * only, so what its handler did not finish is free again after a crash. Fails closed: what cannot be written is refused
 * with `NONCE_STORE_UNAVAILABLE`. Several processes for one DID need a store that they share.
 *
 * A file that is new, emptied, cut, removed, replaced by an older one, or a copy (another inode) may lack nonces that were
 * claimed: envelopes made before it was opened are refused with `NONCE_STORE_UNAVAILABLE:COLD_START`, also after further
 * restarts, and a client that seals anew gets through. Not noticed: file and `.head` file both overwritten in place with
 * older ones. What remains after a loss, as with the other stores: an envelope that was dated ahead of its time and was
 * accepted before is good once more until that time; it is never more than the agent's `timestampWindowMs` ahead.
 */
export class FileNonceStore implements NonceStore {
  /** One process has the file open. */
  readonly isShared = false;
  readonly #maxEntries: number;
  readonly #maxPerSender: number;
  readonly #clock: Clock;
  readonly #queue: JournalQueue;
  /** On the disk. */
  readonly #claimed = new Map<string, number>();
  /** Reserved, or about to be written. */
  readonly #pending = new Set<string>();
  readonly #perSender = new Map<string, number>();
  #since = -Infinity;
  #sweptAt = -Infinity;

  private constructor(options: FileNonceStoreOptions) {
    this.#maxEntries = options.maxEntries ?? 1_000_000;
    this.#maxPerSender = options.maxEntriesPerSender ?? Math.ceil(this.#maxEntries / 10);
    this.#clock = options.clock ?? Date.now;
    this.#queue = new JournalQueue({
      path: options.path,
      format: 'xlink-nonces',
      onRepair: options.onRepair,
      lockWaitMs: options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS,
      begin: (continuity) => this.#begin(continuity, options.coldStart ?? 'refuse'),
      replay: (value) => this.#remember(nonceLineFrom(value)),
      snapshot: () => this.#snapshot(),
    });
  }

  /**
   * Rejects with `INVALID_OPTION`, or with a `FileStoreError` where the file is locked by another process, damaged in its
   * middle, or of another kind.
   */
  static async open(options: FileNonceStoreOptions): Promise<FileNonceStore> {
    checkOptions('FileNonceStore', options, {
      ...FILE_OPTION_CHECKS,
      maxEntries: integerIn(1, 2 ** 24),
      maxEntriesPerSender: integerIn(1, 2 ** 24),
      coldStart: oneOf('refuse', 'accept'),
      clock: isPromptFunction,
    });
    requireOption('FileNonceStore', options, 'path');
    const store = new FileNonceStore(options);
    await store.#queue.ready();
    return store;
  }

  /** Nonces on the disk. */
  get size(): number {
    return this.#claimed.size;
  }

  /** Envelopes made before this are refused, in ms since 1970. `-Infinity`: none. */
  get since(): number {
    return this.#since;
  }

  seen(use: NonceUse): boolean {
    if (use.timestamp < this.#since)
      throw xlinkError('NONCE_STORE_UNAVAILABLE:COLD_START', { field: 'timestamp' });
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

  #begin(continuity: Continuity, coldStart: 'refuse' | 'accept'): NonceLine | undefined {
    if (continuity === 'whole' || (continuity === 'new' && coldStart === 'accept')) return undefined;
    const start = { since: Math.ceil(this.#clock()) };
    this.#remember(start);
    return start;
  }

  #remember(line: NonceLine): void {
    if ('since' in line) {
      this.#since = Math.max(this.#since, line.since);
      return;
    }
    const [key, expiresAt] = line;
    if (expiresAt < this.#clock()) return;
    if (!this.#claimed.has(key)) this.#count(key, 1);
    this.#claimed.set(key, expiresAt);
  }

  *#snapshot(): Iterable<NonceLine> {
    this.#sweptAt = -Infinity;
    this.#forgetExpired();
    if (this.#since > -Infinity) yield { since: this.#since };
    yield* this.#claimed.entries();
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
