import type { CryptoProvider } from '../crypto/provider.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import { looksLikeDidKey } from '../identity/did.js';
import { ChangeFeed, type FeedConnection } from '../registry/change-feed.js';
import { EntryRegistry, type EntryRule } from '../registry/entry-registry.js';
import type { ChangeListener, FeedState } from '../registry/managed.js';
import { parseEntry } from '../registry/parse-entry.js';
import type { Clock, Did, RegistryEntry } from '../types/protocol.js';
import { Deadline } from '../util/deadline.js';
import { KeyedMutex } from '../util/keyed-mutex.js';

/** An entry as a backend holds it. */
export interface Versioned {
  /** JSON, in ASCII. */
  readonly json: string;
  /** Names the state of the entry; every write makes another one. */
  readonly version: string;
}

/** What every such registry takes. */
export interface VersionedRegistryOptions {
  readonly crypto: CryptoProvider | undefined;
  /** Says how old a succession is. Default `Date.now`. */
  readonly clock: Clock | undefined;
  /** How long a call may take in all, in ms. */
  readonly timeoutMs: number;
  /** How often the connection for changes is tried, in ms. */
  readonly heartbeatMs: number;
}

/**
 * A registry in a database that other instances share: it writes an entry only if its version is still the one that was
 * read, and otherwise reads it again. Calls of this instance that change the same DID wait for each other, so that only
 * instances compete.
 */
export abstract class VersionedRegistry extends EntryRegistry {
  readonly #timeoutMs: number;
  readonly #feed: ChangeFeed;
  readonly #mutex = new KeyedMutex<Did>();

  constructor({ crypto, clock, timeoutMs, heartbeatMs }: VersionedRegistryOptions) {
    super(crypto, clock);
    this.#timeoutMs = timeoutMs;
    this.#feed = new ChangeFeed({
      open: (heard, lost) => this.openFeed(heard, lost, this.newDeadline()),
      announce: (did) => this.announce(did),
      timeoutMs,
      heartbeatMs,
    });
  }

  /** `undefined` if there is no entry. */
  protected abstract read(did: Did, deadline: Deadline): Promise<Versioned | undefined>;

  /** Atomically: false, and nothing written, unless the version is still the one given (`undefined`: no entry). */
  protected abstract write(
    did: Did,
    json: string,
    version: string | undefined,
    deadline: Deadline,
  ): Promise<boolean>;

  /** All entries, by portions; each of them has the time of a call. */
  protected abstract readAll(newDeadline: () => Deadline): AsyncIterable<{ did: Did; json: string }>;

  /** Opens the connection on which changes by other instances are heard: `heard` for each, `lost` when it breaks. */
  protected abstract openFeed(
    heard: (did: Did) => void,
    lost: () => void,
    deadline: Deadline,
  ): Promise<FeedConnection>;

  /** The entry as it is in the database now, revoked or not. Rejects with `LOOKUP_FAILED`, `timeoutMs` after the call at the latest. */
  async lookup(did: Did): Promise<RegistryEntry | undefined> {
    if (typeof did !== 'string' || !looksLikeDidKey(did)) return undefined;
    try {
      const found = await this.read(did, this.newDeadline());
      return found && parseEntry(found.json, did);
    } catch (error) {
      throw failed(error);
    }
  }

  /** All entries, revoked ones included, in no order. Not of one moment: what changes meanwhile may be in it or not. */
  async list(): Promise<RegistryEntry[]> {
    const entries: RegistryEntry[] = [];
    try {
      for await (const { did, json } of this.readAll(() => this.newDeadline()))
        entries.push(parseEntry(json, did));
    } catch (error) {
      throw failed(error);
    }
    return entries;
  }

  /** Whether changes by other instances are heard of. `off` until `onChange` is called. */
  get changeFeed(): FeedState {
    return this.#feed.state;
  }

  /**
   * Calls the listener at every change, by whichever instance, until the returned function is called. The first listener
   * opens a connection for that. After each connection, the first included, it is told `undefined`: anything may have
   * changed unheard.
   */
  override onChange(listener: ChangeListener): () => void {
    const forget = super.onChange(listener);
    const stop = this.#feed.listen();
    return () => {
      forget();
      stop();
    };
  }

  /** Ends the connection for changes. Nothing else was opened here; the client that was passed in stays open. */
  close(): void {
    this.#feed.close();
  }

  /** The time of one call, from now. */
  protected newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`The registry did not answer within ${ms} ms.`));
  }

  protected async change(did: Did, rule: EntryRule): Promise<void> {
    const deadline = this.newDeadline();
    await deadline.keep(() => this.#mutex.run(did, () => this.#compareAndSet(did, rule, deadline)));
  }

  /** Each round that fails is one in which another instance succeeded. */
  async #compareAndSet(did: Did, rule: EntryRule, deadline: Deadline): Promise<void> {
    for (;;) {
      const found = await deadline.keep(() => this.read(did, deadline));
      const known = found && parseEntry(found.json, did);
      const next = rule(known);
      if (next === known) return;
      if (await deadline.keep(() => this.write(did, ascii(JSON.stringify(next)), found?.version, deadline)))
        return;
    }
  }
}

const failed = (cause: unknown) => (isXlinkError(cause) ? cause : xlinkError('LOOKUP_FAILED', { cause }));

/** The same JSON for databases of whatever encoding. */
const ascii = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
