import { Deadline } from '../../util/deadline.js';
import { isReady, type RedisClient } from './client.js';

/** Commands that wait for an answer at most. While the network is frozen, nobody can take them out of the client's queue. */
const MAX_IN_FLIGHT = 10_000;

/** Sends through a client, with a time limit, and only while it is connected. */
export class RedisConnection {
  readonly #client: RedisClient;
  readonly #timeoutMs: number;
  #inFlight = 0;
  #wasReady = false;

  constructor(client: RedisClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  async send<T>(command: () => Promise<T>): Promise<T> {
    const ms = this.#timeoutMs;
    const deadline = new Deadline(ms, () => new Error(`Redis did not answer within ${ms} ms.`));
    await this.#assertReady(deadline);
    if (this.#inFlight >= MAX_IN_FLIGHT) throw new Error('Too many commands wait for an answer of Redis.');
    return deadline.keep(async () => {
      this.#inFlight += 1;
      try {
        return await command();
      } finally {
        this.#inFlight -= 1;
      }
    });
  }

  /** A client that is away would send the command when it is back, long after the caller was told that it failed. */
  async #assertReady(deadline: Deadline): Promise<void> {
    while (!isReady(this.#client)) {
      if (this.#wasReady) throw new Error('Redis is not connected.');
      await deadline.keep(() => new Promise((resolve) => setTimeout(resolve, 10))); // it is only just being connected
    }
    this.#wasReady = true;
  }
}
