import { isXlinkError, xlinkError } from '../../errors/service-errors.js';
import type { XlinkEvent } from '../../types/events.js';
import type { Mode } from '../../types/mode.js';
import type { Clock } from '../../types/protocol.js';
import { unref } from '../../util/backoff.js';
import { given } from '../../util/given.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import type { Operator } from '../../util/operator.js';
import { checkOptions, hasMethods, integerIn, isPromptFunction, requireOption } from '../../util/options.js';
import type { BaseDualModeAdapter } from '../dual-mode-adapter.js';
import {
  isLater,
  isSameChange,
  nextRevision,
  OPTION_REVISION,
  type RevisedMode,
  revised,
} from '../modes/revision.js';
import type { ModeState, ModeStore, StoredMode } from '../modes/store.js';

/** Options of {@link SharedMode}. */
export interface SharedModeOptions {
  /** The adapter whose mode is shared. */
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

/**
 * One mode for all instances of an API, kept over restarts. A change made on one of them, by `setMode` here or on the
 * adapter, or by a {@link MigrationPlan}, is followed by all: at once where the store tells of changes, else within
 * `intervalMs`. `adapter.setMode` stays as it is.
 *
 * - **An instance that starts takes over the shared mode**, whatever its own option `mode` says: that one counts only where
 *   nothing is stored yet. A deploy with `mode: 'hybrid'` therefore does not take an API back that has moved on; a `mode`
 *   event says so. Wait for `start()` before the server listens: until then the option counts.
 * - **The last change counts**, whatever the store lost and whichever instance was cut off. One that could not be stored
 *   stays in force here and is stored when the store is back, unless another instance made a later one. Of changes made by
 *   instances that could not know of each other, the clocks decide.
 * - A store that is down, empty or damaged changes no mode: each instance stays where it is and reports a `fault`
 *   (`MODE_STORE_UNAVAILABLE`). A store that lost its data or was restored from an older copy is given back the latest
 *   change that a running instance knows, never an earlier one.
 *
 * Modes of single routes and clients, and brownouts, are not shared: give them to every instance in its options. From `start()` to
 * `stop()` the adapter changes them only where the caller says `instanceOnly: true`, on each instance.
 */
export class SharedMode {
  readonly #adapter: BaseDualModeAdapter;
  readonly #store: ModeStore;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #mutex = new KeyedMutex<SharedMode>();
  readonly #undo: (() => void)[] = [];
  /** What was last read from or written to the store. */
  #known: StoredMode | undefined;
  /** The latest change that is known here, stored or not. */
  #latest: RevisedMode | undefined;
  /** A change made here that the store has not got yet. `tried`: since a write failed, others may have made later ones. */
  #unsaved: { tried: boolean } | undefined;
  #isFollowing = false;
  #isLooking = false;
  #looksAgain = false;

  /** Throws `INVALID_OPTION`. */
  constructor(options: SharedModeOptions) {
    checkOptions('SharedMode', options, {
      adapter: hasMethods('setMode', 'shareMode', 'observe', 'emit'),
      store: hasMethods('load', 'save'),
      intervalMs: integerIn(10, 3_600_000),
      clock: isPromptFunction,
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

  /** The latest change that is known here, whether the store has it or not. */
  get latest(): ModeState | undefined {
    return this.#latest;
  }

  /**
   * Takes over the shared mode, or stores that of the adapter if there is none, and follows it until `stop()`. Rejects with
   * `MODE_STORE_UNAVAILABLE` if the store cannot be read, and follows nothing then: an API that moved on must not start
   * in an earlier mode unseen.
   */
  async start(): Promise<void> {
    if (this.#undo.length > 0) return;
    this.#undo.push(this.#adapter.shareMode({ probe: () => this.refresh(), latest: () => this.#latest }));
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

  /** Follows the store no longer. The mode stays as it is. */
  stop(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  /**
   * `adapter.setMode`, and resolves once it is stored for all. Throws what that throws. Rejects with
   * `MODE_STORE_UNAVAILABLE` if it is not stored yet: the mode is in force here, and the others get it later.
   */
  async setMode(mode: Mode, reason?: string, { by }: Pick<Operator, 'by'> = {}): Promise<void> {
    this.#apply(mode, reason, by);
    this.#changeHere(mode, reason, by);
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
    const known = revised(before);
    const revision = isSameChange(next, before) ? known.revision : nextRevision(this.#clock(), known);
    const state = { ...next, revision };
    const isOld = this.#unsaved || this.#known?.version !== version;
    if (isOld || !(await this.#store.save(state, version))) {
      await this.#sync();
      return false;
    }
    try {
      this.#follow({ ...state, version: version + 1 });
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
      const mine = this.#toWrite(found && revised(found));
      if (!mine) {
        this.#unsaved = undefined;
        return this.#follow(found!);
      }
      const unsaved = this.#unsaved;
      const version = found?.version ?? 0;
      if (!(await this.#store.save(mine, version))) continue;
      if (this.#unsaved !== unsaved) continue; // it was changed meanwhile
      this.#unsaved = undefined;
      return this.#follow({ ...mine, version: version + 1 });
    }
    throw new Error(`Other instances were faster ${MAX_ATTEMPTS} times.`);
  }

  /** What is to take the place of what was found, if anything: the later of the two changes counts. */
  #toWrite(found: RevisedMode | undefined): RevisedMode | undefined {
    const latest = this.#latest;
    if (!latest) return found ? undefined : this.#ofOptions();
    if (!found) return latest;
    // Being stored for the first time, it is made at this moment: after whatever is there.
    if (this.#unsaved && !this.#unsaved.tried)
      return (this.#latest = { ...latest, revision: nextRevision(latest.revision, found) });
    return isLater(latest, found) ? latest : undefined;
  }

  #ofOptions(): RevisedMode {
    return { mode: this.#adapter.mode, since: this.#clock(), revision: OPTION_REVISION };
  }

  #follow(found: StoredMode): StoredMode {
    if (!this.#unsaved) this.#takeOver(found);
    this.#known = found;
    return found;
  }

  /** Known before the adapter follows: what it tells of the change says since when. */
  #takeOver(found: StoredMode): void {
    const before = this.#latest;
    this.#latest = revised(withoutVersion(found));
    if (found.mode === this.#adapter.mode) return;
    const why = found.reason === undefined ? '' : `: ${found.reason}`;
    try {
      this.#apply(found.mode, this.#known ? found.reason : `the instances share this mode${why}`, found.by);
    } catch (error) {
      this.#latest = before;
      throw error;
    }
  }

  #apply(mode: Mode, reason: string | undefined, by: string | undefined): void {
    this.#isFollowing = true;
    try {
      this.#adapter.setMode(mode, reason, given({ by }));
    } finally {
      this.#isFollowing = false;
    }
  }

  /** The mode of the adapter was set. */
  #notice(event: XlinkEvent): void {
    if (event.type !== 'mode' || event.from === undefined || this.#isFollowing) return;
    if (event.route !== undefined || event.client !== undefined) return;
    this.#changeHere(event.to, event.reason, event.by);
    this.refresh().catch(() => {}); // it is tried again
  }

  #changeHere(mode: Mode, reason: string | undefined, by: string | undefined): void {
    const now = this.#clock();
    const revision = nextRevision(now, this.#latest);
    this.#latest = { mode, since: now, revision, ...given({ reason, by }) };
    this.#unsaved = { tried: false };
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
