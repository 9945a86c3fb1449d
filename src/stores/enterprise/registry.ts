import { isXlinkError, type XlinkError, xlinkError } from '../../errors/errors.js';
import { err, ok, type Result } from '../../errors/result.js';
import { looksLikeDidKey } from '../../identity/did.js';
import { ChangeListeners } from '../../registry/change-listeners.js';
import {
  checkCondition,
  checkGrant,
  checkRevokeOptions,
  checkScopeChange,
  registrationIn,
} from '../../registry/change-options.js';
import { HttpTrustRegistry } from '../../registry/http.js';
import { isUnreachable } from '../../registry/http-errors.js';
import type {
  ChangeCondition,
  ChangeListener,
  FeedState,
  Grant,
  ManagedTrustRegistry,
  RevokeOptions,
  ScopeChange,
} from '../../registry/managed.js';
import { type PositionalRegistration, registrationOf } from '../../registry/positional-registration.js';
import type { Did, KeyRecord, Registration, RegistryEntry, Succession } from '../../types/protocol.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import { tell } from '../../util/tell.js';
import { afterWrites, check, perform, type Write } from './change.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { Entries, isUnauthorized } from './entries.js';
import { EnterpriseStore } from './journal.js';
import {
  checkEnterpriseOptions,
  DEFAULT_MAX_STALE_MS,
  DEFAULT_RETRY_MS,
  type EnterpriseEvent,
  type EnterpriseRegistryOptions,
} from './options.js';
import { replay } from './replay.js';

/**
 * A registry over HTTP with a file to fall back on while it cannot be reached. See {@link createEnterpriseTrustRegistry}.
 */
export class EnterpriseTrustRegistry implements ManagedTrustRegistry {
  readonly #http: HttpTrustRegistry;
  readonly #store: EnterpriseStore;
  readonly #breaker: CircuitBreaker;
  readonly #entries: Entries;
  readonly #listeners = new ChangeListeners();
  readonly #retryMs: number;
  readonly #onEvent: (event: EnterpriseEvent) => void;
  /** One after the other for each DID: what is queued is checked against what was queued before. */
  readonly #mutex = new KeyedMutex<Did>();
  #replaying: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Throws `INVALID_OPTION`. */
  constructor(options: EnterpriseRegistryOptions) {
    checkEnterpriseOptions(options);
    const { maxStaleMs = DEFAULT_MAX_STALE_MS, retryMs = DEFAULT_RETRY_MS, clock = Date.now } = options;
    const tell = (event: EnterpriseEvent) => this.#tell(event);
    this.#retryMs = retryMs;
    this.#onEvent = options.onEvent ?? (() => {});
    this.#http = new HttpTrustRegistry(options.http);
    this.#store = new EnterpriseStore(options.file.path, clock);
    this.#breaker = new CircuitBreaker(clock, retryMs, tell);
    const [http, store, reach] = [this.#http, this.#store, this.#breaker];
    this.#entries = new Entries({ http, store, reach, maxStaleMs, clock, tell });
    this.ready().catch(() => {}); // the next call reports it
  }

  /** Resolves when the file was read. Rejects with `LOOKUP_FAILED` if it cannot be. */
  async ready(): Promise<void> {
    try {
      await this.#store.ready();
    } catch (cause) {
      throw xlinkError('LOOKUP_FAILED', { cause });
    }
    if (this.waiting > 0) this.#schedule();
  }

  /** Changes that the registry has not been told of. */
  get waiting(): number {
    return this.#store.queued().length;
  }

  async lookup(did: Did): Promise<RegistryEntry | undefined> {
    if (typeof did !== 'string' || !looksLikeDidKey(did)) return undefined;
    await this.ready();
    for (;;) {
      const before = this.#store.queued(did);
      const entry = await this.#entries.entryOf(did);
      const after = this.#store.queued(did);
      // What was made known to the registry meanwhile may be missing from the answer.
      if (before.every(({ id }) => after.some((queued) => queued.id === id)))
        return afterWrites(
          entry,
          after.map(({ write }) => write),
        );
    }
  }

  /** The entries of the registry; while it is down, those that may be taken from the file. */
  async list(): Promise<RegistryEntry[]> {
    await this.ready();
    const entries = new Map((await this.#entries.all()).map((entry) => [entry.did, entry]));
    for (const { write } of this.#store.queued()) {
      const entry = await afterWrites(entries.get(write.did), [write]);
      if (entry) entries.set(write.did, entry);
    }
    return [...entries.values()];
  }

  async register(...args: [entry: Registration] | PositionalRegistration): Promise<Result<void>> {
    return this.#change(() => {
      const entry = registrationIn(registrationOf(args));
      return { operation: 'register', did: entry?.did, entry };
    });
  }

  async add(did: Did, grant: Grant = {}): Promise<Result<void>> {
    return this.#change(() => ({ operation: 'add', did, grant: checkGrant(grant) }));
  }

  async revoke(did: Did, options: RevokeOptions = {}): Promise<Result<void>> {
    return this.#change(() => ({ operation: 'revoke', did, options: checkRevokeOptions(options) }));
  }

  async updateScopes(did: Did, change: ScopeChange): Promise<Result<void>> {
    return this.#change(() => ({ operation: 'updateScopes', did, change: checkScopeChange(change) }));
  }

  async updateKeys(keys: KeyRecord, condition: ChangeCondition = {}): Promise<Result<void>> {
    return this.#change(() => ({
      operation: 'updateKeys',
      did: keys?.did,
      keys,
      condition: checkCondition('updateKeys', condition),
    }));
  }

  /** Only while the registry answers: which of two successions came first, it alone can say. */
  async succeed(
    succession: Succession,
    keys: KeyRecord,
    condition: ChangeCondition = {},
  ): Promise<Result<void>> {
    try {
      checkCondition('succeed', condition);
      await this.ready();
      if (this.waiting > 0 && !this.#breaker.isQuiet) await this.#replay(); // a revocation may be among them
      if (this.waiting > 0 || this.#breaker.isQuiet)
        throw this.#breaker.failure ?? new Error('Changes wait for the registry.');
      this.#breaker.ask();
      const result = await this.#http.succeed(succession, keys, condition);
      if (!result.ok && isUnreachable(result.error)) this.#breaker.failed(result.error);
      else this.#breaker.answered();
      if (!result.ok) return result;
      for (const did of [succession.from, succession.to]) {
        await this.#entries.entryOf(did).catch(() => {}); // what is remembered follows
        this.#listeners.tell(did);
      }
      return result;
    } catch (cause) {
      return err(failed(cause));
    }
  }

  /** Whether changes made elsewhere are heard of: `down` also while entries come from the file. `off` until `onChange` is called. */
  get changeFeed(): FeedState {
    const state = this.#http.changeFeed;
    return state === 'live' && this.#breaker.isDown ? 'down' : state;
  }

  /** As of `HttpTrustRegistry`, and for changes that wait here. */
  onChange(listener: ChangeListener): () => void {
    const forget = this.#listeners.add(listener);
    const stop = this.#http.onChange((did) => listener(did));
    return () => {
      forget();
      stop();
    };
  }

  /** Lets go of the file. Changes that wait stay in it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#http.close();
    clearTimeout(this.#timer);
    await this.#replaying;
    await this.#store.close();
  }

  async #change(make: () => Write): Promise<Result<void>> {
    try {
      const write = JSON.parse(JSON.stringify(make())) as Write; // a copy, which no caller can change
      await this.ready();
      if (this.waiting > 0 && !this.#breaker.isQuiet) await this.#replay(); // in the order in which they were asked for
      if (this.waiting === 0 && !this.#breaker.isQuiet) {
        this.#breaker.ask();
        const result = await perform(this.#http, write);
        if (result.ok || !isUnreachable(result.error)) {
          this.#breaker.answered();
          if (!result.ok) return result;
          await this.#entries.follow(write);
          this.#listeners.tell(write.did);
          return result;
        }
        this.#breaker.failed(result.error);
      }
      return await this.#mutex.run(write.did, () => this.#enqueue(write));
    } catch (cause) {
      return err(failed(cause));
    }
  }

  async #enqueue(write: Write): Promise<Result<void>> {
    const { did } = write;
    const known = await afterWrites(
      this.#store.seen(did)?.entry,
      this.#store.queued(did).map((queued) => queued.write),
    );
    const checked = await check(write, known);
    if (!checked.ok) return checked;
    await this.#store.enqueue(write, known?.status ?? 'unknown');
    this.#listeners.tell(did);
    this.#tell({ type: 'queued', operation: write.operation, did });
    this.#schedule();
    return ok(undefined);
  }

  #replay(): Promise<void> {
    return (this.#replaying ??= this.#replayAll().finally(() => {
      this.#replaying = undefined;
    }));
  }

  /** One after the other, oldest first; stops at the first that cannot be made now. */
  async #replayAll(): Promise<void> {
    for (const queued of this.#store.queued()) {
      if (this.#closed) return;
      const { operation, did } = queued.write;
      this.#breaker.ask();
      const outcome = await replay(this.#http, queued);
      if (outcome.is === 'waiting' && !isUnauthorized(outcome.error))
        return this.#breaker.failed(outcome.error);
      this.#breaker.answered();
      if (outcome.is === 'waiting') return this.#tell({ type: 'unauthorized', error: outcome.error });
      try {
        if (outcome.is === 'made') await this.#entries.follow(queued.write);
        await this.#store.settle(queued.id);
      } catch (error) {
        return this.#tell({ type: 'fallback-failed', error });
      }
      if (outcome.is === 'made') this.#tell({ type: 'replayed', operation, did });
      else this.#tell({ type: 'conflict', operation, did, error: outcome.error });
      this.#listeners.tell(did);
    }
  }

  /** Tries to make what waits, again and again; does not keep the process alive. */
  #schedule(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(async () => {
      await this.#replay();
      this.#timer = undefined;
      if (this.waiting > 0) this.#schedule();
    }, this.#retryMs);
    this.#timer.unref();
  }

  #tell(event: EnterpriseEvent): void {
    if (event.type === 'up') this.#listeners.tell(undefined); // anything may have changed meanwhile
    tell(this.#onEvent, event);
  }
}

/** What is wrong with the change itself; or that it could not be made. */
const failed = (cause: unknown): XlinkError =>
  isXlinkError(cause) && cause.id !== 'LOOKUP_FAILED' ? cause : xlinkError('REGISTRATION_FAILED', { cause });
