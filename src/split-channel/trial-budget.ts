import type { Clock, Did } from '../types/protocol.js';
import { TokenBucket } from '../util/token-bucket.js';

/** Choices of shares that may be tried in a minute, beyond the first of each message; one costs some 20 µs. */
export interface TrialLimits {
  readonly maxTrialsPerSender: number;
  readonly maxTrials: number;
}

/** What bad shares may cost: so much for each sender, and so much for all of them. */
export class TrialBudget {
  readonly #ofEach: TokenBucket;
  readonly #inAll: TokenBucket;

  constructor({ maxTrialsPerSender, maxTrials }: TrialLimits, clock: Clock) {
    this.#ofEach = new TokenBucket(maxTrialsPerSender, clock);
    this.#inAll = new TokenBucket(maxTrials, clock, 1);
  }

  take(sender: Did): boolean {
    return this.#ofEach.take(sender) && this.#inAll.take('');
  }
}
