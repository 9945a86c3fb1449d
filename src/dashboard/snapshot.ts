import type { Mode } from '../types/mode.js';
import type { ClientDetail } from './client-detail.js';
import type { ClientsView, NoClientsView } from './client-directory.js';
import type { FailureRow } from './failure-counts.js';
import type { Mark } from './marks.js';
import type { PlanView } from './plan-view.js';
import type { Counts, Series } from './ring.js';
import type { RangeName } from './traffic-history.js';

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
  /** Share of xLink in the traffic: the one that the plan judges by, where there is one that has looked. */
  readonly adoption: AdoptionView;
  /** Since `process.since`. */
  readonly totals: Counts;
  /** Envelopes that came beside keys in observe mode, and what would have become of them. */
  readonly observed: { readonly accepted: number; readonly refused: number };
  /** Requests over time, for each range the page offers. */
  readonly ranges: Readonly<Record<RangeName, Series>>;
  /** Mode changes, brownouts and new encryption keys, oldest first. */
  readonly marks: readonly Mark[];
  /** The clients, or why there are none to show. */
  readonly clients: ClientsView | NoClientsView;
  /** The client that was asked for; `unknown`: there is none by this id. Absent if none was asked for. */
  readonly client?: ClientDetail | 'unknown';
  /** Who looks, if it is somebody who may change something (option `actions`). */
  readonly operator?: string;
  /** Refusals by reason, the most frequent first. */
  readonly failures: readonly FailureRow[];
}

/** How far the migration is. */
export interface AdoptionView {
  /** 0 to 1; absent if no request was accepted. */
  readonly share?: number;
  /** Accepted requests that the share is taken over. */
  readonly requests: number;
  /** Length of the time it is taken over, in ms. */
  readonly overMs: number;
  /** `plan`: requests of known clients, of all instances that share their store. `process`: all requests of this process. */
  readonly by: 'plan' | 'process';
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
  /** Modes that were in force since `process.since`, in the order of a migration. */
  readonly passed: readonly Mode[];
  /** Modes that were stepped over since then. */
  readonly skipped: readonly Mode[];
  /** Since when it is in force; absent: for longer than this process knows (`modeSince` of the adapter). */
  readonly since?: number;
  /** When keys stop working as announced. */
  readonly sunset?: number;
}
