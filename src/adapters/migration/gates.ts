import type { Mode } from '../../types/mode.js';

/** What must hold before a mode gives way to the next. */
export interface Gate {
  /** The mode the gate leads out of. */
  readonly from: Mode;
  /** The next mode. */
  readonly to: Mode;
  /** Share of xLink among the accepted requests of the window, 0 to 100. */
  readonly minXlinkPercentage: number;
  /** How long `from` must have been in force, in ms. */
  readonly minDwellMs: number;
  /** Share of refused requests of known clients in the window that is tolerated, 0 to 1. */
  readonly maxErrorRate: number;
  /** Whether every client must be safe to switch by the cut-over report. */
  readonly requireSafeClients: boolean;
  /** Clients that sent nothing at all for this long, in ms, block nothing. Default: however quiet, a client counts. */
  readonly ignoreQuietMs?: number;
}

/** What makes the mode go back. */
export interface ErrorBudget {
  /** Share of refused requests of known clients within the window, 0 to 1. */
  readonly maxErrorRate: number;
  /** Below this many requests in the window nothing is concluded. */
  readonly minRequests: number;
  /** How long after a step it is watched, in ms. */
  readonly watchMs: number;
}

const DAY_MS = 86_400_000;

/**
 * `observe` to `hybrid` after a day with at most 5 % refused; to `deprecation` after four weeks, with 95 % of the traffic by xLink and
 * at most 1 % refused; to `xlink-only` after four more weeks, with the same, if no client that sent a request in the last 90 days would be left behind.
 */
export const DEFAULT_GATES: readonly Gate[] = [
  {
    from: 'observe',
    to: 'hybrid',
    minXlinkPercentage: 0,
    minDwellMs: DAY_MS,
    maxErrorRate: 0.05,
    requireSafeClients: false,
  },
  {
    from: 'hybrid',
    to: 'deprecation',
    minXlinkPercentage: 95,
    minDwellMs: 28 * DAY_MS,
    maxErrorRate: 0.01,
    requireSafeClients: false,
  },
  {
    from: 'deprecation',
    to: 'xlink-only',
    minXlinkPercentage: 95,
    minDwellMs: 28 * DAY_MS,
    maxErrorRate: 0.01,
    requireSafeClients: true,
    ignoreQuietMs: 90 * DAY_MS,
  },
];

/** `maxErrorRate` 0.01: one refused request in a hundred; `minRequests` 20; `watchMs` one day after each step. */
export const DEFAULT_ERROR_BUDGET: ErrorBudget = { maxErrorRate: 0.01, minRequests: 20, watchMs: DAY_MS };
