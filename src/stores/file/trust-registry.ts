import type { CryptoProvider } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/errors.js';
import { EntryRegistry, type EntryRule } from '../../registry/entry-registry.js';
import { entryFrom } from '../../registry/parse-entry.js';
import type { Clock, Did, RegistryEntry } from '../../types/protocol.js';
import { checkOptions, isObject, isPromptFunction, requireOption } from '../../util/options.js';
import { FILE_OPTION_CHECKS, type FileStoreOptions } from './file-options.js';
import { JournalQueue } from './journal-queue.js';

/** Options of {@link FileTrustRegistry}. */
export interface FileTrustRegistryOptions extends FileStoreOptions {
  /** Checks the signatures of key records. Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
  /**
   * How long an attempt to open the file waits for another process to let go of it, in ms, 0 to 600 000. Default 0: what
   * needs the registry meanwhile fails at once, and the file is tried again a second later.
   */
  readonly lockWaitMs?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/**
 * A trust registry in a file, for services that run on one machine. Every change is appended and is on the disk before
 * it is acknowledged; changes that come together share one write. The file is replayed at start, and what a crash left
 * unfinished at its end is cut off. Damage anywhere else, and a file that holds less than was acknowledged, is an error:
 * then nothing is accepted.
 *
 * The file is opened in the background; lookups and changes wait for it. While it cannot be opened they fail with
 * `LOOKUP_FAILED` and `REGISTRATION_FAILED`, whose `cause` says why (a `FileStoreError`), and the next one tries again.
 * One process may have the file open at a time. A change that could not be written (disk full, read-only) did not happen.
 *
 * The file is kept at mode 0600: who may write to it decides who is trusted.
 */
export class FileTrustRegistry extends EntryRegistry {
  /** What is on the disk. */
  #entries = new Map<Did, RegistryEntry>();
  /** What the batch that is being written makes of it. */
  readonly #next = new Map<Did, RegistryEntry>();
  readonly #queue: JournalQueue;

  constructor(options: FileTrustRegistryOptions) {
    checkOptions('FileTrustRegistry', options, {
      ...FILE_OPTION_CHECKS,
      crypto: isObject,
      clock: isPromptFunction,
    });
    requireOption('FileTrustRegistry', options, 'path');
    super(options.crypto, options.clock);
    this.#queue = new JournalQueue({
      path: options.path,
      format: 'xlink-trust-registry',
      onRepair: options.onRepair,
      lockWaitMs: options.lockWaitMs ?? 0,
      clock: options.clock,
      reset: () => this.#entries.clear(),
      replay: (value) => {
        const entry = entryFrom(value);
        this.#entries.set(entry.did, entry);
      },
      snapshot: () => this.#entries.values(),
      onBatch: () => this.#next.clear(),
    });
  }

  /** Resolves when the file was replayed. Rejects with `LOOKUP_FAILED` if it cannot be. */
  async ready(): Promise<void> {
    try {
      await this.#queue.ready();
    } catch (cause) {
      throw xlinkError('LOOKUP_FAILED', { cause });
    }
  }

  lookup(did: Did): RegistryEntry | undefined | Promise<RegistryEntry | undefined> {
    return this.#queue.isOpen ? this.#entries.get(did) : this.ready().then(() => this.#entries.get(did));
  }

  async list(): Promise<RegistryEntry[]> {
    await this.ready();
    return [...this.#entries.values()];
  }

  /** Writes what is still to be written, and lets another process have the file. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Changes build on each other before they are written; `lookup` sees them afterwards. */
  protected change(did: Did, rule: EntryRule): Promise<void> {
    let next: RegistryEntry;
    return this.#queue.change({
      key: did,
      value: () => {
        const known = this.#next.get(did) ?? this.#entries.get(did);
        next = rule(known);
        if (next === known) return undefined;
        this.#next.set(did, next);
        return next;
      },
      apply: () => this.#entries.set(did, next),
    });
  }
}
