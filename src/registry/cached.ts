import { toXlinkError, xlinkError } from '../errors/errors.js';
import { err, type Result } from '../errors/result.js';
import { looksLikeDidKey } from '../identity/did.js';
import type { Clock, Did, KeyRecord, Registration, RegistryEntry } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { BoundedMap } from '../util/bounded-map.js';
import { checkOptions, hasMethods, integerIn, isFunction, requireOption } from '../util/options.js';
import { ownText } from '../util/own-text.js';
import { ChangeListeners } from './change-listeners.js';
import type {
  ChangeListener,
  FeedState,
  Grant,
  ManagedTrustRegistry,
  RevokeOptions,
  ScopeChange,
} from './managed.js';
import { frozenEntry } from './parse-entry.js';
import { type PositionalRegistration, registrationOf } from './positional-registration.js';

export interface CachedTrustRegistryOptions {
  /** The registry that is asked. Closed together with the cache. */
  readonly registry: ManagedTrustRegistry;
  /**
   * How long an entry is used without asking again, in ms, counted from when it was asked for. Default 30 000. A change
   * that nobody tells of, because the registry cannot or its feed is down, takes effect after that long at the latest.
   */
  readonly ttlMs?: number;
  /** The same for the answer that a DID is unknown. Default 1000: so long a DID registered elsewhere may be refused yet. */
  readonly negativeTtlMs?: number;
  /** Entries held at most; the one used longest ago makes room. Unknown DIDs have as many places of their own. Default 10 000. */
  readonly maxEntries?: number;
  /** Milliseconds since whenever. Default `performance.now`, as a wall clock that is set back would prolong lives. */
  readonly clock?: Clock;
}

interface CachedAnswer {
  readonly entry: RegistryEntry | undefined;
  readonly expiresAt: number;
}

/** A question on its way. `current` until the DID may have changed: its answer may be of the time before. */
interface Flight {
  readonly answer: Promise<RegistryEntry | undefined>;
  current: boolean;
}

/**
 * Remembers what a registry answered, so that not every message costs a round trip. What is changed through the cache
 * takes effect at once, what the registry tells of (`onChange`) when it does, and anything else after `ttlMs` at the
 * latest, also while the feed is down: that is the longest a revoked DID can go on. Failures are never remembered: when
 * the registry is down, known DIDs work until their entries expire, and then nothing is accepted.
 */
export class CachedTrustRegistry implements ManagedTrustRegistry {
  readonly #registry: ManagedTrustRegistry;
  readonly #ttlMs: number;
  readonly #negativeTtlMs: number;
  readonly #maxEntries: number;
  readonly #clock: Clock;
  readonly #listeners = new ChangeListeners();
  readonly #flights = new Map<Did, Flight>();
  #known: BoundedMap<Did, CachedAnswer>;
  /** Apart, so that who asks for one unknown DID after the other drives out no known one. */
  #unknown: BoundedMap<Did, CachedAnswer>;
  #stop: (() => void) | undefined;
  #isClosed = false;

  constructor(options: CachedTrustRegistryOptions) {
    checkOptions('CachedTrustRegistry', options, {
      registry: hasMethods('lookup', 'register', 'updateKeys', 'add', 'revoke', 'updateScopes', 'list'),
      ttlMs: integerIn(0, 86_400_000),
      negativeTtlMs: integerIn(0, 86_400_000),
      maxEntries: integerIn(1, 2 ** 24),
      clock: isFunction,
    });
    requireOption('CachedTrustRegistry', options, 'registry');
    this.#registry = options.registry;
    this.#ttlMs = options.ttlMs ?? 30_000;
    this.#negativeTtlMs = options.negativeTtlMs ?? 1000;
    this.#maxEntries = options.maxEntries ?? 10_000;
    this.#clock = options.clock ?? (() => performance.now());
    this.#known = new BoundedMap(this.#maxEntries);
    this.#unknown = new BoundedMap(this.#maxEntries);
    this.#stop = this.#registry.onChange?.((did) => this.#changed(did));
  }

  /** Entries held now, unknown DIDs included; expired ones count until they are asked for or driven out. */
  get size(): number {
    return this.#known.size + this.#unknown.size;
  }

  /** Whether the registry hears of changes by others. `undefined` if it cannot say. */
  get changeFeed(): FeedState | undefined {
    return (this.#registry as { readonly changeFeed?: FeedState }).changeFeed;
  }

  /** From memory, without a promise, where possible. Lookups of one DID at the same time are one question. */
  lookup(did: Did): Awaitable<RegistryEntry | undefined> {
    const held = this.#known.get(did) ?? this.#unknown.get(did);
    if (held && this.#clock() < held.expiresAt) return held.entry;
    const flight = this.#flights.get(did) ?? this.#ask(did);
    return flight.answer;
  }

  async register(...args: [entry: Registration] | PositionalRegistration): Promise<Result<void>> {
    let entry: Registration;
    try {
      entry = registrationOf(args);
    } catch (error) {
      return err(toXlinkError(error));
    }
    return this.#change(entry?.did, () => this.#registry.register(entry));
  }

  updateKeys(keys: KeyRecord): Promise<Result<void>> {
    return this.#change(keys?.did, () => this.#registry.updateKeys(keys));
  }

  add(did: Did, grant?: Grant): Promise<Result<void>> {
    return this.#change(did, () => this.#registry.add(did, grant));
  }

  revoke(did: Did, options?: RevokeOptions): Promise<Result<void>> {
    return this.#change(did, () => this.#registry.revoke(did, options));
  }

  updateScopes(did: Did, change: ScopeChange): Promise<Result<void>> {
    return this.#change(did, () => this.#registry.updateScopes(did, change));
  }

  /** Never from memory. */
  list(): Awaitable<readonly RegistryEntry[]> {
    return this.#registry.list();
  }

  /** The cache has forgotten the DID when its listeners are told. */
  onChange(listener: ChangeListener): () => void {
    return this.#listeners.add(listener);
  }

  /** Forgets everything, remembers nothing more, and closes the registry. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop?.();
    this.#forget(undefined);
    await this.#registry.close?.();
  }

  #ask(did: Did): Flight {
    const askedAt = this.#clock();
    const flight: Flight = { current: true, answer: this.#answer(did) };
    this.#flights.set(did, flight);
    const landed = () => {
      if (this.#flights.get(did) === flight) this.#flights.delete(did);
    };
    flight.answer.then((entry) => {
      landed();
      if (flight.current && !this.#isClosed) this.#remember(did, entry, askedAt);
    }, landed);
    return flight;
  }

  async #answer(did: Did): Promise<RegistryEntry | undefined> {
    const entry = (await this.#registry.lookup(did)) ?? undefined;
    if (entry === undefined) return undefined;
    const wrong = (field: string) => xlinkError('LOOKUP_FAILED', { field });
    if (entry.did !== did) throw wrong('did');
    return Object.isFrozen(entry) ? entry : frozenEntry(entry, wrong); // what is held belongs to nobody else
  }

  /** Nothing is kept of what is no DID, which could be of any length, and no DID that is a part of a longer text. */
  #remember(did: Did, entry: RegistryEntry | undefined, askedAt: number): void {
    if (!looksLikeDidKey(did)) return;
    const [map, ttlMs] = entry ? [this.#known, this.#ttlMs] : [this.#unknown, this.#negativeTtlMs];
    (entry ? this.#unknown : this.#known).delete(did);
    map.set(ownText(did), { entry, expiresAt: askedAt + ttlMs });
  }

  /** A change that failed may have happened: what is held is forgotten in any case. */
  async #change(did: Did, change: () => Awaitable<Result<void>>): Promise<Result<void>> {
    try {
      return await change();
    } finally {
      if (this.#stop) this.#forget(did);
      else this.#changed(did);
    }
  }

  #changed(did: Did | undefined): void {
    this.#forget(did);
    this.#listeners.tell(did);
  }

  #forget(did: Did | undefined): void {
    if (did === undefined) {
      this.#known = new BoundedMap(this.#maxEntries);
      this.#unknown = new BoundedMap(this.#maxEntries);
    } else {
      this.#known.delete(did);
      this.#unknown.delete(did);
    }
    for (const [flying, flight] of did === undefined ? this.#flights : this.#flightOf(did)) {
      flight.current = false;
      this.#flights.delete(flying); // who asks from now on wants to know it as it is now
    }
  }

  #flightOf(did: Did): [Did, Flight][] {
    const flight = this.#flights.get(did);
    return flight ? [[did, flight]] : [];
  }
}
