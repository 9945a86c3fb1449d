import { xlinkError } from '../../errors/errors.js';
import type { NonceUse } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { unavailable } from '../unavailable.js';
import type { RedisConnection } from './connection.js';
import { markersOf } from './nonce-keys.js';

/**
 * Since when each bucket of nonces remembers, in ms since 1970, kept beside the nonces without an end: where a marker is,
 * nothing was lost since then. One that is absent was lost, and with it nonces whose envelopes may still be good.
 */
export class RedisMarkers {
  readonly #connection: RedisConnection<'RedisNonceStore'>;
  readonly #markers: readonly string[];
  readonly #clock: Clock;
  #isSetting = false;

  constructor(connection: RedisConnection<'RedisNonceStore'>, keyPrefix: string, clock: Clock) {
    this.#connection = connection;
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
    const set = this.#connection.inOrder(
      this.#markers.map((marker) => [marker, ['SET', marker, now, 'NX']] as const),
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
    const [, reply] = await unavailable(
      () =>
        this.#connection.inOrder([
          [marker, ['SET', marker, now, 'NX']],
          [marker, ['GET', marker]],
        ]),
      'NONCE_STORE_UNAVAILABLE',
    );
    return reply;
  }

  /** In whole ms, and none too early. */
  #now(): string {
    return String(Math.ceil(this.#clock()));
  }
}

/** An answer of Redis that means neither yes nor no. */
export const nonceStoreUnavailable = (what: string) =>
  xlinkError('NONCE_STORE_UNAVAILABLE', { cause: new TypeError(what) });

/**
 * Throws `NONCE_STORE_UNAVAILABLE:COLD_START` unless the bucket remembered before the envelope was made; `reply` is what
 * `GET` said of its marker.
 */
export function assertRemembered({ timestamp }: NonceUse, reply: unknown): void {
  if (reply !== null && !(typeof reply === 'string' && /^\d{1,15}$/.test(reply)))
    throw nonceStoreUnavailable('A marker in Redis holds something else than a time.');
  if (reply === null || !(timestamp > Number(reply)))
    throw xlinkError('NONCE_STORE_UNAVAILABLE:COLD_START', { field: 'timestamp' });
}
