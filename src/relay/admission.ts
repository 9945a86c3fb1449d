import { xlinkError } from '../errors/errors.js';
import type { Did, TrustRegistry } from '../types/types.js';
import type { Awaitable } from '../util/awaitable.js';
import { BoundedMap } from '../util/bounded-map.js';

/** Whether a DID may use the relay. A throw or rejection means it cannot be told: nobody is admitted meanwhile. */
export type Admits = (did: Did) => Awaitable<boolean>;

/** Those who are in a registry and not revoked. */
export const registered =
  (registry: Pick<TrustRegistry, 'lookup'>): Admits =>
  async (did) =>
    (await registry.lookup(did))?.status === 'active';

/** Throws the error unless the DID is admitted, `LOOKUP_FAILED` if that cannot be told. */
export async function admit(
  admits: Admits,
  did: Did,
  id: 'RELAY_NOT_ALLOWED' | 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
): Promise<void> {
  let isAdmitted: boolean;
  try {
    isAdmitted = (await admits(did)) === true;
  } catch (cause) {
    throw xlinkError('LOOKUP_FAILED', { cause });
  }
  if (!isAdmitted) throw xlinkError(id);
}

/** Senders whose pace is remembered at most. */
const CAPACITY = 100_000;

/** Lets every DID do something so many times a minute, and as many at once if it was quiet for a minute. */
export class Pace {
  readonly #perMinute: number;
  readonly #clock: () => number;
  readonly #known = new BoundedMap<Did, { left: number; at: number }>(CAPACITY);

  constructor(perMinute: number, clock: () => number) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Whether it may now; if so it has. */
  take(did: Did): boolean {
    const now = this.#clock();
    const { left, at } = this.#known.get(did) ?? { left: this.#perMinute, at: now };
    const filled = Math.min(this.#perMinute, left + (Math.max(0, now - at) / 60_000) * this.#perMinute);
    this.#known.set(did, { left: filled >= 1 ? filled - 1 : filled, at: now });
    return filled >= 1;
  }
}
