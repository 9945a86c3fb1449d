import type { Clock } from '@private.me/xlink';
import { XidError } from '../errors.js';

/** Unless chosen otherwise: one day, in ms. */
export const DEFAULT_EPOCH_MS = 86_400_000;
/** By how much clocks may differ, unless chosen otherwise: 5 minutes, in ms. */
export const DEFAULT_SKEW_MS = 300_000;
/** The longest time that a timer of the platform can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The number of the epoch that a time lies in: both in ms. */
export const epochAt = (now: number, epochDurationMs: number): number => Math.floor(now / epochDurationMs);

/** The first ms of an epoch. */
export const epochStart = (epoch: number, epochDurationMs: number): number => epoch * epochDurationMs;

/** The ms from which on an identity of an epoch counts no more: one epoch after its own. */
export const overlapEnd = (epoch: number, epochDurationMs: number): number => (epoch + 2) * epochDurationMs;

/** Throws `EPOCH_INVALID`. */
export function checkEpoch(epoch: number): number {
  if (!Number.isSafeInteger(epoch) || epoch < 0) throw new XidError('EPOCH_INVALID', { field: 'epoch' });
  return epoch;
}

/** Where a time stands to an epoch, as a service sees it that tolerates some difference of clocks. */
export function standingOf(
  epoch: number,
  now: number,
  { epochDurationMs, maxSkewMs }: { readonly epochDurationMs: number; readonly maxSkewMs: number },
): 'not yet' | 'in force' | 'over' {
  if (now < epochStart(epoch, epochDurationMs) - maxSkewMs) return 'not yet';
  return now < overlapEnd(epoch, epochDurationMs) ? 'in force' : 'over';
}

/** Calls back when an epoch begins, as long as the process has something else to do: its timer keeps none alive. */
export class EpochTimer {
  readonly #clock: Clock;
  readonly #durationMs: number;
  readonly #begins: (epoch: number) => void;
  #last: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, durationMs: number, begins: (epoch: number) => void) {
    this.#clock = clock;
    this.#durationMs = durationMs;
    this.#begins = begins;
    this.#last = epochAt(clock(), durationMs);
    this.#wait();
  }

  /** Looks at the clock now: for those who know that it may have moved. Never goes back. */
  look(): number {
    const epoch = epochAt(this.#clock(), this.#durationMs);
    if (epoch > this.#last) {
      this.#last = epoch;
      this.#begins(epoch);
    }
    return epoch;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    const now = this.#clock();
    const next = epochStart(epochAt(now, this.#durationMs) + 1, this.#durationMs) - now;
    this.#timer = setTimeout(
      () => {
        this.look();
        this.#wait();
      },
      Math.min(Math.max(1, next), MAX_TIMER_MS),
    ).unref();
  }
}
