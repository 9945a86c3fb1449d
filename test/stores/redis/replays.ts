import type { NonceUse, RedisNonceStore } from '@private.me/xlink';
import type { RedisClient } from '@private.me/xlink/redis';
import { until } from '../../support/until.js';
import { BUCKETS, storeOn, TTL_MS, trues, useOfNow } from './nonce-clients.js';

/** Of as many, none goes to one of the buckets once in 100 000 rounds. */
const EVERYWHERE = 16 * BUCKETS;

/** Stores over clients of their own, as instances have them, and what they accepted. */
export class Instances {
  readonly #stores: readonly RedisNonceStore[];
  readonly #accepted: NonceUse[] = [];

  constructor(clients: readonly RedisClient[]) {
    this.#stores = clients.map((client) => storeOn(client, { timeoutMs: 2000 }));
  }

  /** How many envelopes were accepted, each of them once. */
  get accepted(): number {
    return this.#accepted.length;
  }

  /** So many callers send an envelope each, made at that moment. Resolves to how many were accepted. */
  async serve(count: number): Promise<number> {
    const served = await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const use = useOfNow();
        const isAccepted = await this.#accepts(this.#stores[at % this.#stores.length]!, use);
        if (isAccepted) this.#accepted.push(use);
        return isAccepted;
      }),
    );
    return trues(served);
  }

  /** Sends so many that every bucket gets some, until all are accepted: all servers are up, and all buckets have begun. */
  async settle(): Promise<void> {
    await until(async () => (await this.serve(EVERYWHERE)) === EVERYWHERE, {
      withinMs: 20_000,
      what: 'all to be served',
    });
  }

  /** Until each instance serves again, what was accepted is sent to them again. Resolves to how many of these were accepted. */
  async replayUntilServing(withinMs = 20_000): Promise<number> {
    const old = [...this.#accepted];
    const count = 32 * this.#stores.length; // so many that no node of a cluster is left out by chance
    let again = 0;
    await until(
      async () => {
        again += await this.#replay(old);
        return (await this.serve(count)) === count;
      },
      { withinMs, what: 'all instances to serve' },
    );
    return again + (await this.#replay(old));
  }

  /** All at all instances. Resolves to how many were accepted. */
  replay(): Promise<number> {
    return this.#replay([...this.#accepted]);
  }

  async #replay(uses: readonly NonceUse[]): Promise<number> {
    const calls = this.#stores.flatMap((store) => uses.map((use) => this.#accepts(store, use)));
    return trues(await Promise.all(calls));
  }

  /** As an agent asks. */
  async #accepts(store: RedisNonceStore, use: NonceUse): Promise<boolean> {
    try {
      return !(await store.seen(use)) && (await store.claim(use, TTL_MS));
    } catch {
      return false;
    }
  }
}
