import { xlinkError } from '../../errors/errors.js';
import type { NonceUse } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { type RedisCalls, unavailable } from './nonce-calls.js';
import { markersOf } from './nonce-keys.js';

/**
 * Since when each bucket of nonces remembers, in ms since 1970, kept beside the nonces without an end: where a marker is,
 * nothing was lost since then. One that is absent was lost, and with it nonces whose envelopes may still be good.
 */
export class RedisMarkers {
  readonly #calls: RedisCalls;
  readonly #markers: readonly string[];
  readonly #clock: Clock;
  #isSetting = false;

  constructor(calls: RedisCalls, keyPrefix: string, clock: Clock) {
    this.#calls = calls;
    this.#markers = markersOf(keyPrefix);
    this.#clock = clock;
  }

  /**
   * Lets all buckets that have no marker remember from now on. All of them, though one is missed: otherwise the first
   * envelope of each would be refused. Goes on in the background, once at a time, and fails in silence: who finds a
   * marker absent tries again.
   */
  setAll(): void {
    if (this.#isSetting) return;
    this.#isSetting = true;
    const now = this.#now();
    const set = this.#calls.ask(({ inOrder, setIfAbsent }) =>
      inOrder(...this.#markers.map((marker) => () => setIfAbsent(marker, now))),
    );
    const done = () => {
      this.#isSetting = false;
    };
    void set.then(done, done);
  }

  /** The same, and resolves to what `GET` says of this one then. Rejects with `NONCE_STORE_UNAVAILABLE`. */
  async set(marker: string): Promise<unknown> {
    this.setAll();
    const now = this.#now();
    const [, reply] = await this.#calls.ask(({ inOrder, setIfAbsent, get }) =>
      inOrder(
        () => setIfAbsent(marker, now),
        () => get(marker),
      ),
    );
    return reply;
  }

  /** In whole ms, and none too early. */
  #now(): string {
    return String(Math.ceil(this.#clock()));
  }
}

/**
 * Throws `NONCE_STORE_UNAVAILABLE:COLD_START` unless the bucket remembered before the envelope was made; `reply` is what
 * `GET` said of its marker.
 */
export function assertRemembered({ timestamp }: NonceUse, reply: unknown): void {
  if (reply !== null && !(typeof reply === 'string' && /^\d{1,15}$/.test(reply)))
    throw unavailable(new TypeError('a marker in Redis holds something else than a time'));
  if (reply === null || !(timestamp > Number(reply)))
    throw xlinkError('NONCE_STORE_UNAVAILABLE:COLD_START', { field: 'timestamp' });
}
