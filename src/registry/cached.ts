import { toXlinkError, xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import { looksLikeDidKey } from '../identity/did.js';
import type { Clock, Did, KeyRecord, Registration, RegistryEntry, Succession } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { BoundedMap } from '../util/bounded-map.js';
import { checkOptions, hasMethods, integerIn, isPromptFunction, requireOption } from '../util/options.js';
import { ownText } from '../util/own-text.js';
import { ChangeListeners } from './change-listeners.js';
import type {
  ChangeCondition,
  ChangeListener,
  FeedState,
  Grant,
  ManagedTrustRegistry,
  RevokeOptions,
  ScopeChange,
} from './managed.js';
import { frozenEntry } from './parse-entry.js';
import { type PositionalRegistration, registrationOf } from './positional-registration.js';
import { cannotSucceed } from './succession.js';

/** Options of {@link CachedTrustRegistry}. */
export interface CachedTrustRegistryOptions {
  /** The registry that is asked. Closed together with the cache. */
  readonly registry: ManagedTrustRegistry;
  /**
   * How long an entry is used without asking again, in ms, counted from when it was asked for. Default 30 000. While the
   * feed of the registry is down, it is asked again after 1000 ms; only if it does not answer either, the entry is used
   * for all of `ttlMs`. So long a change takes at the latest where the registry can tell of none (it has no `onChange`).
   */
  readonly ttlMs?: number;
  /** The same for the answer that a DID is unknown. Default 1000: so long a DID registered elsewhere may be refused yet. */
  readonly negativeTtlMs?: number;
  /** Entries held at most; the one used longest ago makes room. Unknown DIDs have as many places of their own. Default 10 000. */
  readonly maxEntries?: number;
  /** Milliseconds since whenever. Default `performance.now`, as a wall clock that is set back would prolong lives. */
  readonly clock?: Clock;
}

/** How long an entry is taken for right while changes are not heard of, in ms. */
const UNHEARD_TTL_MS = 1000;

interface CachedAnswer {
  readonly entry: RegistryEntry | undefined;
  readonly expiresAt: number;
  /** When it was asked for, or else tried to. */
  readonly triedAt: number;
}

/** A question on its way. `current` until the DID may have changed: its answer may be of the time before. */
interface Flight {
  readonly answer: Promise<RegistryEntry | undefined>;
  current: boolean;
}

/**
 * Remembers what a registry answered, so that not every message costs a round trip. What is changed through the cache
 * takes effect at once, what the registry tells of (`onChange`) when it does, and while its feed is down after a second,
 * if it answers lookups. Failures are never remembered: when the registry is down altogether, known DIDs work until their
 * entries expire after `ttlMs`, and then nothing is accepted. That is the longest a revoked DID can go on.
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
  /** When the feed was last seen to be live: what was held then was right. */
  #heardAt = -Infinity;
  #isClosed = false;

  /** Throws `INVALID_OPTION`. */
  constructor(options: CachedTrustRegistryOptions) {
    checkOptions('CachedTrustRegistry', options, {
      registry: hasMethods('lookup', 'register', 'updateKeys', 'add', 'revoke', 'updateScopes', 'list'),
      ttlMs: integerIn(0, 86_400_000),
      negativeTtlMs: integerIn(0, 86_400_000),
      maxEntries: integerIn(1, 2 ** 24),
      clock: isPromptFunction,
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
    return this.#registry.changeFeed;
  }

  /** From memory, without a promise, where possible. Lookups of one DID at the same time are one question. */
  lookup(did: Did): Awaitable<RegistryEntry | undefined> {
    const held = this.#known.get(did) ?? this.#unknown.get(did);
    const now = this.#clock();
    if (!held || now >= held.expiresAt) return (this.#flights.get(did) ?? this.#ask(did)).answer;
    return this.#isSure(held, now) ? held.entry : this.#confirm(did, held);
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

  updateKeys(keys: KeyRecord, condition?: ChangeCondition): Promise<Result<void>> {
    return this.#change(keys?.did, () => this.#registry.updateKeys(keys, condition));
  }

  add(did: Did, grant?: Grant): Promise<Result<void>> {
    return this.#change(did, () => this.#registry.add(did, grant));
  }

  /** With `successors`, everything is forgotten: who they are is for the registry to say. */
  revoke(did: Did, options?: RevokeOptions): Promise<Result<void>> {
    return this.#change(options?.successors ? undefined : did, () => this.#registry.revoke(did, options));
  }

  updateScopes(did: Did, change: ScopeChange): Promise<Result<void>> {
    return this.#change(did, () => this.#registry.updateScopes(did, change));
  }

  async succeed(succession: Succession, keys: KeyRecord, condition?: ChangeCondition): Promise<Result<void>> {
    const registry = this.#registry;
    if (!registry.succeed) return err(cannotSucceed());
    try {
      return await this.#change(succession?.from, () => registry.succeed!(succession, keys, condition));
    } finally {
      await this.#change(succession?.to, () => ok(undefined));
    }
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

  /** Whether a change would have been heard of, or hardly had the time to happen. */
  #isSure({ triedAt }: CachedAnswer, now: number): boolean {
    const feed = this.changeFeed;
    if (feed === 'live') this.#heardAt = now;
    if (feed === 'live' || feed === undefined) return true;
    return now < Math.max(triedAt, this.#heardAt) + UNHEARD_TTL_MS;
  }

  /** Asks again. What is held goes on, until it expires, if neither feed nor registry can tell. */
  async #confirm(did: Did, held: CachedAnswer): Promise<RegistryEntry | undefined> {
    try {
      return await (this.#flights.get(did) ?? this.#ask(did)).answer;
    } catch (error) {
      const map = held.entry ? this.#known : this.#unknown;
      const now = this.#clock();
      const still = map.get(did); // it may have been forgotten, or tried by another call
      if (still?.expiresAt !== held.expiresAt || now >= held.expiresAt) throw error;
      map.set(did, { ...held, triedAt: now });
      return held.entry;
    }
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
    return Object.isFrozen(entry) ? entry : frozenEntry(entry, wrong); // no caller can change what is held
  }

  /** Nothing is kept of what is no DID, which could be of any length, and no DID that is a part of a longer text. */
  #remember(did: Did, entry: RegistryEntry | undefined, askedAt: number): void {
    if (!looksLikeDidKey(did)) return;
    const [map, ttlMs] = entry ? [this.#known, this.#ttlMs] : [this.#unknown, this.#negativeTtlMs];
    (entry ? this.#unknown : this.#known).delete(did);
    map.set(ownText(did), { entry, expiresAt: askedAt + ttlMs, triedAt: askedAt });
  }

  /** A change that failed may have happened: what is held is forgotten in any case. */
  async #change(did: Did | undefined, change: () => Awaitable<Result<void>>): Promise<Result<void>> {
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
