import { xlinkError } from '../../errors/errors.js';
import type { NonceUse } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { unavailable } from '../unavailable.js';
import type { RedisConnection } from './connection.js';
import { markersOf } from './nonce-keys.js';
import {
  type NonceClaim,
  sinceOf,
  type Verification,
  verificationOf,
  verifyCommand,
} from './verify-script.js';

/**
 * For how long a marker that was verified over a connection is good for claims over the same connection, in ms. What such
 * a connection leads to may change all the same: behind a proxy, or where a slot of a cluster is moved.
 */
const VERIFIED_MS = 1000;

interface Verified extends Verification {
  readonly connections: number | undefined;
  readonly until: number;
}

/**
 * Since when each bucket of nonces remembers, kept beside the nonces without an end: by the clock of Redis, and together
 * with what tells this server and its history from others (see `verify-script.ts`). Where a marker is, and is of the
 * server that answers, nothing was lost since then.
 */
export class RedisMarkers {
  readonly #connection: RedisConnection<'RedisNonceStore'>;
  readonly #markers: readonly string[];
  readonly #clock: Clock;
  /** The last that was heard of each. */
  readonly #verified = new Map<string, Verified>();
  #isVerifyingAll = false;

  constructor(connection: RedisConnection<'RedisNonceStore'>, keyPrefix: string, clock: Clock) {
    this.#connection = connection;
    this.#markers = markersOf(keyPrefix);
    this.#clock = clock;
    connection.onReady(() => this.#verifyAll());
  }

  /**
   * What a marker must say for a claim that is made beside it to count; `undefined` if it must be verified with the claim:
   * it was not lately, or not over the connections there are now, or the server may evict what it should remember.
   */
  expected(marker: string): string | undefined {
    const known = this.#verified.get(marker);
    if (known?.policy !== 'noeviction' || known.until < performance.now()) return undefined;
    return this.#isCurrent(known.connections) ? known.marker : undefined;
  }

  /**
   * Has Redis compare the marker with itself, date it now if it does not fit, and make the claim, if there is one, all at
   * once. Rejects with `NONCE_STORE_UNAVAILABLE`.
   */
  async verify(marker: string, claim?: NonceClaim): Promise<Verification> {
    const verification = await this.#ask(marker, claim);
    if (verification.isAnew) this.#verifyAll(); // the others are probably no better, and would refuse an envelope each
    return verification;
  }

  async #ask(marker: string, claim?: NonceClaim): Promise<Verification> {
    const { connections } = this.#connection; // as they are when the question is sent
    const command = verifyCommand(marker, this.#verified.get(marker)?.runId, claim);
    const reply = await unavailable(() => this.#connection.call(marker, command), 'NONCE_STORE_UNAVAILABLE');
    const verification = verificationOf(reply);
    const until = performance.now() + VERIFIED_MS;
    this.#verified.set(marker, { ...verification, connections, until });
    this.#connection.warnings.ofPolicy(verification.policy);
    this.#connection.warnings.ofClock(verification.now - this.#clock());
    return verification;
  }

  /** In the background, once at a time, and in silence: what fails is verified with the next claim. */
  #verifyAll(): void {
    if (this.#isVerifyingAll) return;
    this.#isVerifyingAll = true;
    const asking = this.#connection.each(this.#markers, (marker) => this.#ask(marker).catch(() => {}));
    void asking.then(() => {
      this.#isVerifyingAll = false;
    });
  }

  #isCurrent(connections: number | undefined): boolean {
    return connections !== undefined && connections === this.#connection.connections;
  }
}

/** Throws `NONCE_STORE_UNAVAILABLE:COLD_START` unless the bucket remembered before the envelope was made. */
export function assertRemembered({ timestamp }: NonceUse, marker: string): void {
  if (!(timestamp > (sinceOf(marker) ?? Infinity)))
    throw xlinkError('NONCE_STORE_UNAVAILABLE:COLD_START', { field: 'timestamp' });
}
