import type { Awaitable } from '../util/awaitable.js';

/** Requests that were counted under a name since its window began. */
export interface LimitCount {
  /** How many, this one included. */
  readonly count: number;
  /** When the window ends, and the count begins anew, in ms from now. */
  readonly resetMs: number;
}

/** Where requests are counted for `clientLimits`, the rules of a policy and the rates of agents. Share one between the instances of a service. */
export interface LimitStore {
  /**
   * Counts one more, atomically among all instances. A window begins with the first request in it and takes `windowMs`. What is no
   * pair of numbers is a fault, and as good as a store that is down. */
  take(name: string, windowMs: number): Awaitable<LimitCount>;
}
