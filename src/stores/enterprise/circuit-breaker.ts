import type { Clock } from '../../types/protocol.js';
import type { EnterpriseEvent } from './options.js';

/** Whether the registry can be asked. After a failure it is left alone for a while, then one question finds out. */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #retryMs: number;
  readonly #tell: (event: EnterpriseEvent) => void;
  #down: { readonly error: unknown } | undefined;
  #quietUntil = -Infinity;
  #questions = 0;

  constructor(clock: Clock, retryMs: number, tell: (event: EnterpriseEvent) => void) {
    this.#clock = clock;
    this.#retryMs = retryMs;
    this.#tell = tell;
  }

  /** Whether it could not be asked last time. */
  get isDown(): boolean {
    return this.#down !== undefined;
  }

  /** Whether it is not to be asked now. */
  get isQuiet(): boolean {
    return this.isDown && this.#clock() < this.#quietUntil;
  }

  /** Why it could not be asked last time. */
  get failure(): unknown {
    return this.#down?.error;
  }

  /** Before every question. Returns when it is asked (ms since 1970), and its number: answers can be told apart by their age. */
  ask(): { readonly at: number; readonly order: number } {
    const at = this.#clock();
    if (this.#down) this.#quietUntil = at + this.#retryMs; // others need not wait for the same answer
    this.#questions += 1;
    return { at, order: this.#questions };
  }

  answered(): void {
    if (!this.#down) return;
    this.#down = undefined;
    this.#tell({ type: 'up' });
  }

  failed(error: unknown): void {
    const wasUp = this.#down === undefined;
    this.#quietUntil = this.#clock() + this.#retryMs;
    this.#down = { error };
    if (wasUp) this.#tell({ type: 'down', error });
  }
}
