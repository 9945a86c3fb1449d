import type { LimitCount, LimitStore, OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { sha256, toBase64url } from '../util/bytes.js';
import { overIn, Sweeper } from '../verifier/sweeper.js';

/** Counts in a store of documents, for instances whose store has no counts of its own, such as PostgreSQL. Their clocks must agree to within seconds. */
export class StoredLimits implements LimitStore {
  readonly #counts: Documents<{ readonly count: number; readonly until: number }>;
  readonly #sweeper = new Sweeper();
  readonly #now: () => number;

  /** `clock`: default `Date.now`. */
  constructor(store: OperationsStore, clock: () => number = Date.now) {
    this.#counts = new Documents(store, 'xlock-limit');
    this.#now = clock;
  }

  async take(name: string, windowMs: number): Promise<LimitCount> {
    const now = this.#now();
    const { count, until } = await this.#counts.update(toBase64url(sha256(name)), (before) => {
      const isRunning = before && before.until > now && before.until <= now + windowMs;
      return isRunning ? { ...before, count: before.count + 1 } : { count: 1, until: now + windowMs };
    });
    const hasEnded = (one: { readonly until: number }) => one.until < now;
    void this.#sweeper.sweep(now, overIn(this.#counts, hasEnded)).catch(() => {});
    return { count, resetMs: until - now };
  }
}
