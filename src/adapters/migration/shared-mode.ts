import { isXlinkError, xlinkError } from '../../errors/errors.js';
import type { XlinkEvent } from '../../types/events.js';
import type { Mode } from '../../types/mode.js';
import type { Clock } from '../../types/protocol.js';
import { unref } from '../../util/backoff.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import { checkOptions, hasMethods, integerIn, isFunction, requireOption } from '../../util/options.js';
import type { BaseDualModeAdapter } from '../dual-mode-adapter.js';
import type { ModeState, ModeStore, StoredMode } from '../modes/store.js';

export interface SharedModeOptions {
  readonly adapter: BaseDualModeAdapter;
  /** Such as `RedisModeStore`, `PostgresModeStore`, or for one process `FileModeStore`. */
  readonly store: ModeStore;
  /** How often the store is asked, in ms, beside being told by it: how late a change is followed at most. Default 5000. */
  readonly intervalMs?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** Losing so often in a row to other instances is not chance any more: the store shows one version and holds another. */
const MAX_ATTEMPTS = 100;

/** A change made here that the store has not got yet. */
interface Unsaved {
  readonly state: ModeState;
  /** Whether a write was tried and failed: others may have made later changes since. */
  tried: boolean;
}

/**
 * One mode for all instances of an API, kept over restarts. A change made on one of them, by `setMode` here or on the
 * adapter, or by a {@link MigrationPlan}, is followed by all: at once where the store tells of changes, else within
 * `intervalMs`. `adapter.setMode` stays as it is; nobody has to use another method.
 *
 * - **An instance that starts takes over the shared mode**, whatever its own option `mode` says: that one counts only where
 *   nothing is stored yet. A deploy with `mode: 'hybrid'` therefore does not take an API back that has moved on; a `mode`
 *   event says so. Wait for `start()` before the server listens: until then the option counts.
 * - The last change counts. One that could not be stored stays in force here and is stored when the store is back, unless
 *   another instance made a later one (by the clocks of the two).
 * - A store that is down, empty or damaged changes no mode: each instance stays where it is and reports a `fault`
 *   (`MODE_STORE_UNAVAILABLE`). A store that lost its data (a failover) is given back what the instances know.
 *
 * Modes of single routes and clients are not shared: set those in the options, or on each instance.
 */
export class SharedMode {
  readonly #adapter: BaseDualModeAdapter;
  readonly #store: ModeStore;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #mutex = new KeyedMutex<SharedMode>();
  readonly #undo: (() => void)[] = [];
  #known: StoredMode | undefined;
  #unsaved: Unsaved | undefined;
  #isFollowing = false;
  #isLooking = false;
  #looksAgain = false;

  /** Throws `INVALID_OPTION`. */
  constructor(options: SharedModeOptions) {
    checkOptions('SharedMode', options, {
      adapter: hasMethods('setMode', 'observe', 'emit'),
      store: hasMethods('load', 'save'),
      intervalMs: integerIn(10, 3_600_000),
      clock: isFunction,
    });
    for (const name of ['adapter', 'store']) requireOption('SharedMode', options, name);
    this.#adapter = options.adapter;
    this.#store = options.store;
    this.#intervalMs = options.intervalMs ?? 5000;
    this.#clock = options.clock ?? Date.now;
  }

  /** What was last read from or written to the store. */
  get state(): StoredMode | undefined {
    return this.#known;
  }

  /**
   * Takes over the shared mode, or stores that of the adapter if there is none, and follows it until `stop()`. Rejects with
   * `MODE_STORE_UNAVAILABLE` if the store cannot be read, and follows nothing then: an API that moved on must not start
   * in an earlier mode unseen.
   */
  async start(): Promise<void> {
    if (this.#undo.length > 0) return;
    this.#undo.push(this.#adapter.observe((event) => this.#notice(event)));
    try {
      await this.refresh();
    } catch (error) {
      this.stop();
      throw error;
    }
    if (this.#undo.length === 0) return; // stopped meanwhile
    const look = () => this.#look();
    if (this.#store.onChange) this.#undo.push(this.#store.onChange(look));
    const timer = setInterval(look, this.#intervalMs);
    unref(timer);
    this.#undo.push(() => clearInterval(timer));
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  /**
   * `adapter.setMode`, and resolves once it is stored for all. Throws what that throws. Rejects with
   * `MODE_STORE_UNAVAILABLE` if it is not stored yet: the mode is in force here, and the others get it later.
   */
  async setMode(mode: Mode, reason?: string): Promise<void> {
    this.#apply(mode, reason);
    this.#unsaved = { state: this.#changed(mode, reason), tried: false };
    await this.refresh();
  }

  /** Asks the store now, and follows it. Rejects with `MODE_STORE_UNAVAILABLE`, which is a `fault` event, too. */
  async refresh(): Promise<StoredMode> {
    return this.#mutex.run(this, () => this.#reported(() => this.#sync()));
  }

  /**
   * Sets the state if `before`, from {@link SharedMode.refresh}, is still the shared one; otherwise that is followed, and the
   * answer is false. For plans. Rejects with `MODE_STORE_UNAVAILABLE`, or with what `adapter.setMode` throws, and then
   * the store has the state before.
   */
  async write(next: ModeState, before: StoredMode): Promise<boolean> {
    return this.#mutex.run(this, () => this.#reported(() => this.#compareAndSet(before, next)));
  }

  /** Once more, if told to while it is at it: what was read by then may be out of date. */
  #look(): void {
    if (this.#isLooking) {
      this.#looksAgain = true;
      return;
    }
    this.#isLooking = true;
    this.refresh()
      .catch(() => {}) // the observers know
      .finally(() => {
        this.#isLooking = false;
        if (!this.#looksAgain) return;
        this.#looksAgain = false;
        this.#look();
      });
  }

  async #compareAndSet(before: StoredMode, next: ModeState): Promise<boolean> {
    const { version } = before;
    const isOld = this.#unsaved || this.#known?.version !== version;
    if (isOld || !(await this.#store.save(next, version))) {
      await this.#sync();
      return false;
    }
    try {
      this.#follow({ ...next, version: version + 1 });
    } catch (error) {
      await this.#store.save(withoutVersion(before), version + 1);
      throw error;
    }
    return true;
  }

  /** One round, unless another instance writes in between. */
  async #sync(): Promise<StoredMode> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const found = await this.#store.load();
      const mine = this.#toWrite(found);
      if (!mine) {
        this.#unsaved = undefined;
        return this.#follow(found!);
      }
      const unsaved = this.#unsaved;
      const version = found?.version ?? 0;
      if (!(await this.#store.save(mine, version))) continue;
      if (this.#unsaved === unsaved) this.#unsaved = undefined; // else it was changed meanwhile
      return this.#follow({ ...mine, version: version + 1 });
    }
    throw new Error(`Other instances were faster ${MAX_ATTEMPTS} times.`);
  }

  /** What is to take the place of what was found, if anything. */
  #toWrite(found: StoredMode | undefined): ModeState | undefined {
    if (this.#unsaved) {
      const { state, tried } = this.#unsaved;
      if (!found || !tried || state.since >= found.since) return state;
      return undefined;
    }
    const known = this.#known;
    if (!found) return known ? withoutVersion(known) : { mode: this.#adapter.mode, since: this.#clock() };
    const isLost =
      known && found.version < known.version && (found.mode !== known.mode || found.since !== known.since);
    return isLost ? withoutVersion(known) : undefined;
  }

  #follow(found: StoredMode): StoredMode {
    const isFirst = !this.#known;
    if (!this.#unsaved && found.mode !== this.#adapter.mode) {
      const why = found.reason === undefined ? '' : `: ${found.reason}`;
      this.#apply(found.mode, isFirst ? `the instances share this mode${why}` : found.reason);
    }
    this.#known = found;
    return found;
  }

  #apply(mode: Mode, reason: string | undefined): void {
    this.#isFollowing = true;
    try {
      this.#adapter.setMode(mode, reason);
    } finally {
      this.#isFollowing = false;
    }
  }

  /** Somebody set the mode of the adapter. */
  #notice(event: XlinkEvent): void {
    if (event.type !== 'mode' || event.from === undefined || this.#isFollowing) return;
    if (event.route !== undefined || event.client !== undefined) return;
    this.#unsaved = { state: this.#changed(event.to, event.reason), tried: false };
    this.refresh().catch(() => {}); // it is tried again
  }

  #changed(mode: Mode, reason: string | undefined): ModeState {
    return { mode, since: this.#clock(), ...(reason === undefined ? {} : { reason }) };
  }

  async #reported<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (this.#unsaved) this.#unsaved.tried = true;
      const error = isXlinkError(cause) ? cause : xlinkError('MODE_STORE_UNAVAILABLE', { cause });
      this.#adapter.emit({ type: 'fault', error });
      throw error;
    }
  }
}

const withoutVersion = ({ version: _, ...state }: StoredMode): ModeState => state;
