import type { CryptoProvider } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/errors.js';
import { EntryRegistry, type EntryRule } from '../../registry/entry-registry.js';
import { entryFrom } from '../../registry/parse-entry.js';
import type { Clock, Did, RegistryEntry } from '../../types/protocol.js';
import { checkOptions, isFunction, isObject, isString, requireOption } from '../../util/options.js';
import { Journal } from './journal.js';
import { RetriedOpen } from './retried-open.js';

/** Options of {@link FileTrustRegistry}. */
export interface FileTrustRegistryOptions {
  /** The file; it and its folder are made if they are not there. Beside it there are a lock and, for a moment, a copy. */
  readonly path: string;
  /** Checks the signatures of key records. Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
  /**
   * Told that the end of the file was damaged and was cut off. After a crash that is half a line which nobody was told
   * had been written. Default: nobody is told.
   */
  readonly onRepair?: (cut: { readonly path: string; readonly bytes: number }) => void;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

const FORMAT = 'xlink-trust-registry';
/** Changes that are written, and made durable, in one go. */
const MAX_BATCH = 256;
/** The file is written anew when it holds this many times the entries there are, and a thousand more. */
const MAX_GROWTH = 4;
const GROWTH_ALLOWANCE = 1000;

/** A change that waits for its turn. */
interface Pending {
  readonly did: Did;
  readonly rule: EntryRule;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A trust registry in a file, for services that run on one machine. Every change is appended and is on the disk before
 * it is acknowledged; changes that come together share one write. The file is replayed at start, and what a crash left
 * unfinished at its end is cut off. Damage anywhere else is an error that names the line: then nothing is accepted.
 *
 * The file is opened in the background; lookups and changes wait for it. While it cannot be opened they fail with
 * `LOOKUP_FAILED` and `REGISTRATION_FAILED`, whose `cause` says why, and the next one tries again. One process may have
 * the file open at a time. A change that could not be written (disk full, read-only) did not happen.
 *
 * The file is kept at mode 0600: who may write to it decides who is trusted.
 */
export class FileTrustRegistry extends EntryRegistry {
  readonly #options: FileTrustRegistryOptions;
  /** What is on the disk; `undefined` until it is known, and after `close`. */
  #entries: Map<Did, RegistryEntry> | undefined;
  readonly #journal: RetriedOpen<Journal>;
  /** Entries in the file, those that were replaced since included. */
  #written = 0;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;
  #compactAbove = 0;
  #closing: Promise<void> | undefined;

  constructor(options: FileTrustRegistryOptions) {
    checkOptions('FileTrustRegistry', options, {
      path: isString,
      crypto: isObject,
      onRepair: isFunction,
      clock: isFunction,
    });
    requireOption('FileTrustRegistry', options, 'path');
    super(options.crypto);
    this.#options = { ...options };
    this.#journal = new RetriedOpen(() => this.#replay(), options.clock ?? Date.now);
  }

  /** Resolves when the file was replayed. Rejects with `LOOKUP_FAILED` if it cannot be. */
  async ready(): Promise<void> {
    await this.#replayed();
  }

  lookup(did: Did): RegistryEntry | undefined | Promise<RegistryEntry | undefined> {
    return this.#entries ? this.#entries.get(did) : this.#replayed().then((entries) => entries.get(did));
  }

  async list(): Promise<RegistryEntry[]> {
    return [...(await this.#replayed()).values()];
  }

  /** Writes what is still to be written, and lets another process have the file. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  protected change(did: Did, rule: EntryRule): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closing) return reject(closed());
      this.#pending.push({ did, rule, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async #close(): Promise<void> {
    await this.#writing;
    const journal = await this.#journal.end();
    this.#entries = undefined;
    await journal?.close();
  }

  async #replayed(): Promise<Map<Did, RegistryEntry>> {
    try {
      await this.#journal.get();
      if (!this.#entries) throw closed();
      return this.#entries;
    } catch (cause) {
      throw xlinkError('LOOKUP_FAILED', { cause });
    }
  }

  async #replay(): Promise<Journal> {
    const entries = new Map<Did, RegistryEntry>();
    const { path, onRepair } = this.#options;
    let written = 0;
    const journal = await Journal.open({
      path,
      format: FORMAT,
      onRepair,
      replay(values) {
        if (!Array.isArray(values)) throw new TypeError('a line holds a list of entries');
        for (const entry of values.map((value) => entryFrom(value))) entries.set(entry.did, entry);
        written += values.length;
      },
    });
    this.#written = written;
    await this.#compactIfLong(journal, entries);
    this.#entries = entries;
    return journal;
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#pending.length > 0)
        await this.#write(await this.#journal.get(), this.#pending.splice(0, MAX_BATCH));
    } catch (error) {
      for (const { reject } of this.#pending.splice(0)) reject(error);
    } finally {
      this.#writing = undefined; // in the same tick in which nothing was pending
    }
  }

  /** Changes build on each other before they are written; `lookup` sees them afterwards. */
  async #write(journal: Journal, batch: readonly Pending[]): Promise<void> {
    const entries = this.#entries!;
    const next = new Map<Did, RegistryEntry>();
    const settle = batch.map(({ did, rule, resolve, reject }) => {
      const known = next.get(did) ?? entries.get(did);
      try {
        const entry = rule(known);
        if (entry !== known) next.set(did, entry);
        return { did, reject, settle: resolve };
      } catch (error) {
        return { did, reject, settle: () => reject(error) };
      }
    });
    try {
      if (next.size > 0) await journal.append([...next.values()]);
    } catch (error) {
      // Whatever was said of an entry that could not be written was not true.
      for (const each of settle) next.has(each.did) ? each.reject(error) : each.settle();
      return;
    }
    for (const [did, entry] of next) entries.set(did, entry);
    this.#written += next.size;
    for (const each of settle) each.settle();
    await this.#compactIfLong(journal, entries);
  }

  /** If it fails, for lack of space say, the file goes on to grow and it is tried again later. */
  async #compactIfLong(journal: Journal, entries: ReadonlyMap<Did, RegistryEntry>): Promise<void> {
    if (this.#written <= Math.max(entries.size * MAX_GROWTH + GROWTH_ALLOWANCE, this.#compactAbove)) return;
    try {
      await journal.compact(inBatches(entries.values()));
      this.#written = entries.size;
      this.#compactAbove = 0;
    } catch {
      this.#compactAbove = this.#written * 2;
    }
  }
}

const closed = (): Error => new Error('the registry was closed');

function* inBatches(entries: Iterable<RegistryEntry>): Iterable<RegistryEntry[]> {
  let batch: RegistryEntry[] = [];
  for (const entry of entries) {
    batch.push(entry);
    if (batch.length < MAX_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
