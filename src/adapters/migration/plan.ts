import type { AdviceEvent } from '../../types/events.js';
import { MODES, type Mode } from '../../types/mode.js';
import type { Clock } from '../../types/protocol.js';
import { unref } from '../../util/backoff.js';
import type { Operator } from '../../util/operator.js';
import { tell } from '../../util/tell.js';
import { type CutoverReport, countStates, cutoverReport } from '../clients/cutover-report.js';
import type { ModeState, StoredMode } from '../modes/store.js';
import { errorRate, type Traffic, TrafficWindow, totals } from '../modes/traffic-window.js';
import { type ApplyOptions, assertMayStep, checkApplyOptions, stepRefused } from './apply.js';
import { blockersOf, percent } from './blockers.js';
import { DEFAULT_ERROR_BUDGET, DEFAULT_GATES, type ErrorBudget } from './gates.js';
import { checkPlanOptions, type MigrationPlanOptions } from './options.js';

/** What would happen next, and what is in the way. */
export interface Advice {
  /** The mode in force. */
  readonly mode: Mode;
  /** Where the plan wants to go: forward, back, or nowhere. */
  readonly next: Mode | undefined;
  /** Which way `next` is. */
  readonly direction: 'forward' | 'back' | 'stay';
  /** Whether it would go there now. */
  readonly ready: boolean;
  /** Why it is ready, or `undefined`. */
  readonly reason: string | undefined;
  /** What blocks it, one sentence each. */
  readonly blockers: readonly string[];
  /** Requests of known clients within the window (`windowMs`). */
  readonly traffic: Traffic;
  /** Whether the mode was changed by this evaluation. */
  readonly changed: boolean;
}

/**
 * Takes an API from mode to mode by gates that are data, and back when it goes wrong. Advises unless told to act;
 * every change it makes is a `mode` event with its reason.
 */
export class MigrationPlan {
  readonly #options: MigrationPlanOptions;
  readonly #clock: Clock;
  readonly #windowMs: number;
  #window: TrafficWindow;
  readonly #budget: ErrorBudget;
  #mode: Mode;
  #since: number;
  /** Whether it took over what is shared. */
  #hasGoneOn = false;
  /** The mode before the last step forward, while that step is watched. */
  #wayBack: Mode | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #latest: Advice | undefined;

  /** Throws `INVALID_OPTION`. */
  constructor(options: MigrationPlanOptions) {
    checkPlanOptions(options);
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#windowMs = options.windowMs ?? 86_400_000;
    this.#window = new TrafficWindow(this.#windowMs);
    this.#budget = { ...DEFAULT_ERROR_BUDGET, ...options.errorBudget };
    this.#mode = options.adapter.mode;
    this.#since = options.since ?? options.adapter.modeSince ?? this.#clock();
  }

  /** What the last evaluation found. */
  get latest(): Advice | undefined {
    return this.#latest;
  }

  /** Stretch of time that shares are taken over, in ms; less while the plan has not seen as much. */
  get windowMs(): number {
    return this.#windowMs;
  }

  /**
   * Looks at the traffic of all clients, says what comes next, and, with `auto`, does it. Tells the observers of the
   * adapter (`advice`). Rejects if the store of clients or of the shared mode is down: the mode stays then.
   */
  async evaluate(): Promise<Advice> {
    const { auto = false } = this.#options;
    return this.#look((advice) => (advice.ready && auto ? { why: advice.reason!, by: 'plan' } : undefined));
  }

  /**
   * Looks at the traffic, and takes the next step, forward or back, by hand: with `auto` or without. The `mode` event says who and
   * why. Rejects with `STEP_REFUSED:GATES_CLOSED` while gates are closed, unless `force` names the mode to enter all the same;
   * with `STEP_REFUSED:NO_STEP` at the end of the way; with `STEP_REFUSED:OTHER_STEP` if the next step is not `to`; with
   * `STEP_REFUSED:CHANGED_MEANWHILE` if another instance was faster; and as {@link MigrationPlan.evaluate} does.
   */
  async apply(options: ApplyOptions): Promise<Advice> {
    checkApplyOptions(options);
    const advice = await this.#look((found) => {
      assertMayStep(found, options);
      return options;
    });
    if (!advice.changed) throw stepRefused('STEP_REFUSED:CHANGED_MEANWHILE', 'look at the plan again');
    return advice;
  }

  /** `decide`: who takes the step, and why; `undefined`: nobody does. */
  async #look(decide: (advice: Advice) => Required<Operator> | undefined): Promise<Advice> {
    const { adapter, sharedMode } = this.#options;
    const records = await adapter.clientRecords();
    const shared = await sharedMode?.refresh();
    const now = this.#clock();
    const report = cutoverReport(records, now, this.#options.report);
    if (shared) this.#goOn(shared);
    else this.#noticeChange(now);
    const ignored = new Set(this.#options.ignoreClients ?? []);
    this.#window.add(now, totals(records, ignored));
    const advice = this.#goBack(now) ?? this.#goForward(now, report, ignored);
    const operator = decide(advice);
    const changed = operator !== undefined && (await this.#step(advice, operator, now, shared));
    this.#latest = { ...advice, changed };
    adapter.emit(adviceEvent(this.#latest, report));
    if (!changed && shared && this.#window.isAheadOf(shared.samples)) await this.#keepSamples(shared);
    return this.#latest;
  }

  /** Evaluates now, and at intervals until {@link MigrationPlan.stop}. Failures go to `onError`; the next interval tries again. */
  start(onError: (error: unknown) => void = () => {}): void {
    if (this.#timer !== undefined) return;
    const look = () => this.evaluate().catch((error) => tell(onError, error));
    this.#timer = setInterval(look, this.#options.intervalMs ?? 60_000);
    unref(this.#timer);
    void look();
  }

  /** Ends what {@link MigrationPlan.start} began. An evaluation under way finishes. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The mode may have been set by hand or by another instance: its time starts anew. Going back is advised then, but never done. */
  #noticeChange(now: number): void {
    const { mode, modeSince = now } = this.#options.adapter;
    if (mode === this.#mode) return;
    this.#enter(mode, modeSince, this.#advisableWayBack(mode));
  }

  #advisableWayBack(mode: Mode): Mode | undefined {
    const isForward = MODES.indexOf(mode) > MODES.indexOf(this.#mode);
    return !this.#options.auto && isForward ? this.#mode : undefined;
  }

  /** From the shared mode, which another instance, or this one before a restart, may have set. */
  #goOn({ mode, since, wayBack, samples }: StoredMode): void {
    const isFirst = !this.#hasGoneOn;
    this.#hasGoneOn = true;
    if (!isFirst && mode === this.#mode && since === this.#since) return;
    this.#enter(mode, since, wayBack ?? (isFirst ? undefined : this.#advisableWayBack(mode)));
    if (samples) this.#window = new TrafficWindow(this.#windowMs, samples);
  }

  /** For the instance that starts next. Another instance may be faster, which is as good. */
  async #keepSamples(shared: StoredMode): Promise<void> {
    const { version: _, ...state } = shared;
    const samples = this.#window.thinned();
    await this.#options.sharedMode!.write({ ...state, samples }, shared).catch(() => {});
  }

  #goBack(now: number): Advice | undefined {
    const { maxErrorRate, minRequests, watchMs } = this.#budget;
    const { traffic } = this.#window;
    if (this.#wayBack === undefined || now > this.#since + watchMs) return undefined;
    const rate = errorRate(traffic);
    if (traffic.key + traffic.xlink + traffic.refused < minRequests || rate <= maxErrorRate) return undefined;
    const reason = `${percent(rate)} of requests were refused; ${percent(maxErrorRate)} is the limit`;
    return this.#advice({ next: this.#wayBack, direction: 'back', ready: true, reason, blockers: [] });
  }

  #goForward(now: number, report: CutoverReport, ignored: ReadonlySet<string>): Advice {
    const gate = (this.#options.gates ?? DEFAULT_GATES).find(({ from }) => from === this.#mode);
    if (!gate)
      return this.#advice({
        next: undefined,
        direction: 'stay',
        ready: false,
        reason: undefined,
        blockers: [],
      });
    const blockers = blockersOf(gate, {
      traffic: this.#window.traffic,
      now,
      dwellMs: now - this.#since,
      report,
      ignored,
    });
    const ready = blockers.length === 0;
    const reason = ready ? `the gate from ${gate.from} to ${gate.to} is open` : undefined;
    return this.#advice({ next: gate.to, direction: 'forward', ready, reason, blockers });
  }

  /** False if another instance has set the mode meanwhile. */
  async #step(
    { next, direction }: Advice,
    { by, why }: Required<Operator>,
    now: number,
    shared: StoredMode | undefined,
  ): Promise<boolean> {
    const {
      adapter,
      sharedMode,
      applyMode = (mode, reason) => adapter.setMode(mode, reason, { by }),
    } = this.#options;
    const wayBack = direction === 'forward' ? this.#mode : undefined;
    if (sharedMode) {
      const samples = this.#window.latest;
      const step: ModeState = { mode: next!, since: now, reason: why, by, samples };
      if (!(await sharedMode.write(wayBack ? { ...step, wayBack } : step, shared!))) return false;
    } else await applyMode(next!, why);
    this.#enter(next!, now, wayBack);
    return true;
  }

  #enter(mode: Mode, since: number, wayBack: Mode | undefined): void {
    this.#mode = mode;
    this.#since = since;
    this.#wayBack = wayBack;
    this.#window.restart();
  }

  #advice(rest: Pick<Advice, 'next' | 'direction' | 'ready' | 'reason' | 'blockers'>): Advice {
    return { mode: this.#mode, traffic: this.#window.traffic, changed: false, ...rest };
  }
}

const adviceEvent = (
  { mode, next, direction, ready, blockers }: Advice,
  { clients }: CutoverReport,
): AdviceEvent => ({
  type: 'advice',
  mode,
  ...(next === undefined ? {} : { next }),
  direction,
  ready,
  blockers: blockers.length,
  clients: countStates(clients),
});
