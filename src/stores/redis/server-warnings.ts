import { type OnWarning, warner } from '../../agent/warnings.js';
import type { RedisStore } from './commands.js';

/** Further apart, in ms, and the clock of Redis is warned of. */
const CLOCK_MS = 1000;

const warnOnce = warner(undefined);

/** Goes to `onWarning`, or is printed, the first of each type in a process. */
export const redisWarner = (onWarning: OnWarning | undefined): OnWarning =>
  onWarning ? warner(onWarning) : warnOnce;

/** What a store warns of about its servers, each thing once. */
export class ServerWarnings {
  readonly #store: RedisStore;
  readonly #warn: OnWarning;
  readonly #told = new Set<string>();

  constructor(store: RedisStore, onWarning: OnWarning | undefined) {
    this.#store = store;
    this.#warn = redisWarner(onWarning);
  }

  /** `maxmemory-policy` of a server; empty if it does not tell. */
  ofPolicy(policy: string): void {
    if (policy === 'noeviction' || policy === '') return;
    this.#once(policy, () => this.#warn({ type: 'redis-may-evict', store: this.#store, policy }));
  }

  /** By how much a server is ahead of this process, in ms, or behind, if negative. */
  ofClock(aheadMs: number): void {
    if (Math.abs(aheadMs) <= CLOCK_MS) return;
    this.#once('clock', () => this.#warn({ type: 'redis-clock-differs', store: this.#store, aheadMs }));
  }

  #once(what: string, warn: () => void): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    warn();
  }
}
