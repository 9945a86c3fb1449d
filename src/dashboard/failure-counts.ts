import { xlinkError } from '../errors/errors.js';
import { ERROR_TABLE, type ErrorId } from '../errors/table.js';
import type { RequestEvent } from '../types/events.js';
import type { Clock } from '../types/protocol.js';

/** One reason for refusals, with what to do about it. */
export interface FailureRow {
  /** The id of the error. */
  readonly reason: ErrorId;
  /** Requests refused for this reason. */
  readonly count: number;
  /** In ms since 1970. */
  readonly lastSeen: number;
  /** HTTP status it was refused with. */
  readonly status: number;
  /** The error's message. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** Address of the documentation. */
  readonly docs: string;
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
    const id = Object.hasOwn(ERROR_TABLE, reason) ? (reason as ErrorId) : 'INTERNAL';
    const count = (this.#seen.get(id)?.count ?? 0) + 1;
    this.#seen.set(id, { count, lastSeen: this.#clock() });
  }

  /** The most frequent first. */
  rows(): FailureRow[] {
    return [...this.#seen]
      .map(([reason, { count, lastSeen }]) => {
        const { status, title: message, hint, docUrl: docs } = xlinkError(reason);
        return { reason, count, lastSeen, status, message, hint, docs };
      })
      .sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
  }
}
