import { type LimitStore, MemoryLimitStore } from '@private.me/xlink';
import { XfuseError } from '../errors.js';
import { checkNames, checkValue, hasMethods, integerIn } from './options.js';

/** How often something may be tried for one account. */
export interface AttemptLimits {
  /** Where attempts are counted; share one between instances. Default: in memory, which forgets at a restart. */
  readonly store?: LimitStore;
  /** Attempts in `windowMs`, good ones included, 1 to 1000. Default 10. */
  readonly attempts?: number;
  /** In ms, a second to a day. Default 15 minutes. */
  readonly windowMs?: number;
  /** Attempts in 24 hours, good ones included, 1 to 10 000. Default 50. */
  readonly perDay?: number;
}

const DAY_MS = 86_400_000;

/** Counts attempts before they are made, so that attempts at the same time count, too. */
export class Attempts {
  readonly #store: LimitStore;
  readonly #limits: readonly (readonly [name: string, most: number, windowMs: number])[];

  constructor(owner: string, limits: AttemptLimits = {}) {
    checkNames(owner, limits, ['store', 'attempts', 'windowMs', 'perDay']);
    checkValue(owner, 'store', limits.store, hasMethods('take'), 'a LimitStore');
    checkValue(owner, 'attempts', limits.attempts, integerIn(1, 1000), '1 to 1000');
    checkValue(owner, 'windowMs', limits.windowMs, integerIn(1000, DAY_MS), 'ms, a second to a day');
    checkValue(owner, 'perDay', limits.perDay, integerIn(1, 10_000), '1 to 10 000');
    const { store = new MemoryLimitStore(), attempts = 10, windowMs = 900_000, perDay = 50 } = limits;
    this.#store = store;
    this.#limits = [
      ['day', perDay, DAY_MS],
      ['window', attempts, windowMs],
    ];
  }

  /** Counts one, or rejects with `ATTEMPTS_EXCEEDED`; `LIMITS_UNAVAILABLE` where nothing can be counted. */
  async take(kind: string, account: string): Promise<void> {
    // The shorter window first: what it refuses does not use up the day.
    for (const [name, most, windowMs] of [...this.#limits].reverse()) {
      const { count, resetMs } = await this.#count(`xfuse:${kind}:${name}:${account}`, windowMs);
      if (count > most) throw new XfuseError('ATTEMPTS_EXCEEDED', { retryAfterMs: resetMs });
    }
  }

  /** Whether nobody took this name before in the window; atomic among the instances that share the store. */
  async isFirst(name: string, windowMs: number): Promise<boolean> {
    return (await this.#count(`xfuse:once:${name}`, windowMs)).count === 1;
  }

  async #count(name: string, windowMs: number): Promise<{ count: number; resetMs: number }> {
    try {
      const { count, resetMs } = await this.#store.take(name, windowMs);
      if (!Number.isFinite(count) || !Number.isFinite(resetMs)) throw new Error('no count');
      return { count, resetMs };
    } catch (cause) {
      throw new XfuseError('LIMITS_UNAVAILABLE', { cause });
    }
  }
}
