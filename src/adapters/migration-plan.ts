import type { AdviceEvent, Clock, Mode } from '../types.js';
import type { Awaitable } from '../util/awaitable.js';
import { MODES } from '../util/modes.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isFunction,
  isObject,
  isStringArray,
  requireOption,
} from '../util/options.js';
import type { ClientId } from './client-store.js';
import { type CutoverReport, countStates, cutoverReport, type ReportOptions } from './cutover-report.js';
import type { DualMode } from './dual-mode.js';
import { blockersOf, percent } from './migration-blockers.js';
import { DEFAULT_ERROR_BUDGET, DEFAULT_GATES, type ErrorBudget, type Gate } from './migration-gates.js';
import { errorRate, type Traffic, TrafficWindow, totals } from './traffic-window.js';

export interface MigrationPlanOptions {
  /** Needs the option `clients`. */
  readonly adapter: DualMode;
  /** Default {@link DEFAULT_GATES}. */
  readonly gates?: readonly Gate[];
  /** Default {@link DEFAULT_ERROR_BUDGET}. */
  readonly errorBudget?: Partial<ErrorBudget>;
  /** Moves the mode when a gate opens, and back when the error budget burns. Default `false`: advice only. */
  readonly auto?: boolean;
  /** Clients that are left behind on purpose, such as abandoned ones. They block nothing and count nowhere. Default none. */
  readonly ignoreClients?: readonly ClientId[];
  /** Stretch of time that shares are taken over, in ms. Default one day. */
  readonly windowMs?: number;
  /** When a client counts as safe to switch. */
  readonly report?: ReportOptions;
  /** How often `start()` looks, in ms. Default one minute. */
  readonly intervalMs?: number;
  /** Since when the present mode is in force, in ms since 1970, for a plan that goes on after a restart. Default: now. */
  readonly since?: number;
  /** Carries a change out. Default `adapter.setMode`; with several instances, something that reaches all of them. */
  readonly applyMode?: (mode: Mode, reason: string) => Awaitable<void>;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** What would happen next, and what is in the way. */
export interface Advice {
  readonly mode: Mode;
  /** Where the plan wants to go: forward, back, or nowhere. */
  readonly next: Mode | undefined;
  readonly direction: 'forward' | 'back' | 'stay';
  /** Whether it would go there now. */
  readonly ready: boolean;
  /** Why it is ready, or `undefined`. */
  readonly reason: string | undefined;
  /** What blocks it, one sentence each. */
  readonly blockers: readonly string[];
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
  readonly #window: TrafficWindow;
  readonly #budget: ErrorBudget;
  #mode: Mode;
  #since: number;
  /** The mode before the last step forward, while that step is watched. */
  #wayBack: Mode | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #latest: Advice | undefined;

  /** Throws `INVALID_OPTION`. */
  constructor(options: MigrationPlanOptions) {
    checkPlanOptions(options);
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#window = new TrafficWindow(options.windowMs ?? 86_400_000);
    this.#budget = { ...DEFAULT_ERROR_BUDGET, ...options.errorBudget };
    this.#mode = options.adapter.mode;
    this.#since = options.since ?? this.#clock();
  }

  /** What the last evaluation found. */
  get latest(): Advice | undefined {
    return this.#latest;
  }

  /**
   * Looks at the traffic of all clients, says what comes next, and, with `auto`, does it. Tells the observers of the
   * adapter (`advice`).
   */
  async evaluate(): Promise<Advice> {
    const { adapter } = this.#options;
    const records = await adapter.clientRecords();
    const now = this.#clock();
    const report = cutoverReport(records, now, this.#options.report);
    this.#noticeChange(now);
    const ignored = new Set(this.#options.ignoreClients ?? []);
    this.#window.add(now, totals(records, ignored));
    const advice = this.#goBack(now) ?? this.#goForward(now, report, ignored);
    const changed = advice.ready && this.#options.auto === true;
    if (changed) await this.#step(advice, now);
    this.#latest = { ...advice, changed };
    adapter.emit(adviceEvent(this.#latest, report));
    return this.#latest;
  }

  /** Evaluates at intervals until {@link MigrationPlan.stop}. Failures go to `onError`; the next interval tries again. */
  start(onError: (error: unknown) => void = () => {}): void {
    this.#timer ??= setInterval(() => this.evaluate().catch(onError), this.#options.intervalMs ?? 60_000);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Somebody else may have set the mode: its time starts anew. Going back is advised then, but never done. */
  #noticeChange(now: number): void {
    const { mode } = this.#options.adapter;
    if (mode === this.#mode) return;
    const advisable = !this.#options.auto && MODES.indexOf(mode) > MODES.indexOf(this.#mode);
    this.#enter(mode, now, advisable ? this.#mode : undefined);
  }

  #goBack(now: number): Advice | undefined {
    const { maxErrorRate, minRequests, watchMs } = this.#budget;
    const { traffic } = this.#window;
    if (this.#wayBack === undefined || now > this.#since + watchMs) return undefined;
    const rate = errorRate(traffic);
    if (traffic.key + traffic.xlink + traffic.refused < minRequests || rate <= maxErrorRate) return undefined;
    const reason = `${percent(rate)} of the requests were refused, ${percent(maxErrorRate)} are tolerated`;
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

  async #step({ next, direction, reason }: Advice, now: number): Promise<void> {
    const { adapter, applyMode = (mode, why) => adapter.setMode(mode, why) } = this.#options;
    const before = this.#mode;
    await applyMode(next!, reason!);
    this.#enter(next!, now, direction === 'forward' ? before : undefined);
  }

  #enter(mode: Mode, now: number, wayBack: Mode | undefined): void {
    this.#mode = mode;
    this.#since = now;
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

function checkPlanOptions(options: MigrationPlanOptions): void {
  checkOptions('MigrationPlan', options, {
    adapter: hasMethods('clientRecords', 'setMode', 'emit'),
    gates: (value) =>
      Array.isArray(value) && value.every(isGate) ? undefined : 'an array of gates between two modes',
    errorBudget: isObject,
    auto: isBoolean,
    ignoreClients: isStringArray,
    windowMs: integerIn(1, 2 ** 40),
    report: isObject,
    intervalMs: integerIn(1, 2 ** 31 - 1),
    since: integerIn(0, 2 ** 53 - 1),
    applyMode: isFunction,
    clock: isFunction,
  });
  requireOption('MigrationPlan', options, 'adapter');
  const budget = options.errorBudget ?? {};
  const isShare = (value: unknown) =>
    typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'a share from 0 to 1';
  checkOptions('errorBudget', budget, {
    maxErrorRate: isShare,
    minRequests: integerIn(0, 2 ** 53 - 1),
    watchMs: integerIn(0, 2 ** 40),
  });
}

function isGate(gate: Gate | null): boolean {
  const {
    from,
    to,
    minXlinkPercentage,
    minDwellMs,
    maxErrorRate,
    requireSafeClients,
    ignoreQuietMs = 0,
  } = gate ?? ({} as Gate);
  const within = (value: unknown, max: number) => typeof value === 'number' && value >= 0 && value <= max;
  return (
    MODES.includes(from) &&
    MODES.includes(to) &&
    from !== to &&
    within(minXlinkPercentage, 100) &&
    within(minDwellMs, Number.MAX_VALUE) &&
    within(maxErrorRate, 1) &&
    typeof requireSafeClients === 'boolean' &&
    within(ignoreQuietMs, Number.MAX_VALUE)
  );
}
