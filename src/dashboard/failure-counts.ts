import type { ErrorId } from '../errors/table.js';
import type { RequestEvent } from '../types/events.js';
import type { Clock } from '../types/protocol.js';
import { type Explanation, explain, knownId } from './what-to-do.js';

/** One reason for refusals, with what to do about it. */
export interface FailureRow extends Explanation {
  /** Requests refused for this reason. */
  readonly count: number;
  /** In ms since 1970. */
  readonly lastSeen: number;
}

/** Refused requests by reason. Bounded by the error table: whatever is not in it counts as `INTERNAL`. */
export class FailureCounts {
  readonly #clock: Clock;
  readonly #seen = new Map<ErrorId, { count: number; lastSeen: number }>();

  constructor(clock: Clock = Date.now) {
    this.#clock = clock;
  }

  count({ outcome, reason }: Pick<RequestEvent, 'outcome' | 'reason'>): void {
    if (outcome !== 'refused') return;
    const id = knownId(reason);
    const count = (this.#seen.get(id)?.count ?? 0) + 1;
    this.#seen.set(id, { count, lastSeen: this.#clock() });
  }

  /** The most frequent first. */
  rows(): FailureRow[] {
    return [...this.#seen]
      .map(([reason, seen]) => ({ ...explain(reason), ...seen }))
      .sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
  }
}
