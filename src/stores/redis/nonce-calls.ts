import { xlinkError } from '../../errors/errors.js';
import { within } from '../../util/deadline.js';
import type { RedisCommands } from './nonce-client.js';

/** Calls that Redis has not answered, at most: above that nothing more is sent, so that a silent server costs no memory. */
export const MAX_UNANSWERED = 10_000;

/** Asks Redis with a time limit, and never through a client that would queue the question. */
export class RedisCalls {
  readonly #commands: RedisCommands;
  readonly #timeoutMs: number;
  #unanswered = 0;

  constructor(commands: RedisCommands, timeoutMs: number) {
    this.#commands = commands;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects with `NONCE_STORE_UNAVAILABLE`, whatever is wrong. */
  async ask<T>(call: (commands: RedisCommands) => Promise<T>): Promise<T> {
    if (!this.#commands.ready()) throw unavailable(new Error('the Redis client is not connected'));
    if (this.#unanswered >= MAX_UNANSWERED)
      throw unavailable(new Error(`${MAX_UNANSWERED} calls wait for Redis to answer`));
    try {
      return await within(this.#timeoutMs, this.#counted(call), () => silent(this.#timeoutMs));
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  /** Counts until the client lets go of the call, which may be long after nobody waits for it any more. */
  async #counted<T>(call: (commands: RedisCommands) => Promise<T>): Promise<T> {
    this.#unanswered += 1;
    try {
      return await call(this.#commands);
    } finally {
      this.#unanswered -= 1;
    }
  }
}

export const unavailable = (cause: unknown) => xlinkError('NONCE_STORE_UNAVAILABLE', { cause });

const silent = (ms: number) => new Error(`Redis did not answer within ${ms} ms`);
