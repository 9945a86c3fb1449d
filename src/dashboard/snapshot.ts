import type { Mode } from '../types/mode.js';
import type { ClientsView, NoClientsView } from './client-view.js';
import type { FailureRow } from './failure-counts.js';
import type { PlanView } from './plan-view.js';
import type { Counts, Series } from './ring.js';
import type { Adoption, RangeName } from './traffic-history.js';

/** What the page asks for again and again (`?format=json`). Times in ms since 1970, by the clock of the server. */
export interface DashboardSnapshot {
  /** When the figures were taken. */
  readonly generatedAt: number;
  /** When the page should ask again, in ms. */
  readonly refreshMs: number;
  /** The process that counted. */
  readonly process: ProcessView;
  /** The mode in force. */
  readonly mode: ModeView;
  /** `not-given`: the dashboard was made without a plan. `waiting`: the plan was never evaluated. */
  readonly plan: PlanView | 'not-given' | 'waiting';
  /** Share of xLink in the traffic. */
  readonly adoption: Adoption;
  /** Since `process.since`. */
  readonly totals: Counts;
  /** Envelopes that came beside keys in observe mode, and what would have become of them. */
  readonly observed: { readonly accepted: number; readonly refused: number };
  /** Requests over time, for each range the page offers. */
  readonly ranges: Readonly<Record<RangeName, Series>>;
  /** The clients, or why there are none to show. */
  readonly clients: ClientsView | NoClientsView;
  /** Refusals by reason, the most frequent first. */
  readonly failures: readonly FailureRow[];
}

/** Whose figures these are: one process, since it called `dashboard()`. */
export interface ProcessView {
  /** Random; another one means another process, or the same one after a restart. */
  readonly id: string;
  /** Where there is one. */
  readonly pid?: number;
  /** When it began to count. */
  readonly since: number;
}

/** The mode in force. Times in ms since 1970. */
export interface ModeView {
  /** The mode of everything that has no mode of its own. */
  readonly current: Mode;
  /** When it was set, if that was since `process.since`. */
  readonly since?: number;
  /** When keys stop working as announced. */
  readonly sunset?: number;
}
