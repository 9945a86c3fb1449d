import { xlinkError } from '../../errors/errors.js';
import type { NonceUse } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { unavailable } from '../unavailable.js';
import type { RedisConnection } from './connection.js';
import { markersOf } from './nonce-keys.js';
import {
  sinceOf,
  type Verification,
  type VerifyCommand,
  verificationOf,
  verifyCommand,
} from './verify-script.js';

/**
 * For how long a marker that was verified over a connection is good for claims over the same connection, in ms. What such
 * a connection leads to may change all the same: behind a proxy, or where a slot of a cluster is moved.
 */
const VERIFIED_MS = 1000;

/** So many connections of a pool look at all markers where one was lost under load: one alone takes long when all are busy. */
const LANES = 8;

interface Verified extends Verification {
  readonly connections: number | undefined;
  readonly until: number;
}

/**
 * Since when each bucket of nonces remembers, kept beside the nonces without an end: by the clock of Redis, and together
 * with what tells this server and its history from others (see `verify-script.ts`). Where a marker is, and is of the
 * server that answers, nothing was lost since then.
 */
export class RedisMarkers<S extends 'RedisNonceStore' | 'RedisSequenceStore' = 'RedisNonceStore'> {
  readonly #connection: RedisConnection<S>;
  readonly #markers: readonly string[];
  readonly #clock: Clock;
  /** The last that was heard of each. */
  readonly #verified = new Map<string, Verified>();
  #isVerifyingAll = false;

  constructor(connection: RedisConnection<S>, keyPrefix: string, clock: Clock) {
    this.#connection = connection;
    this.#markers = markersOf(keyPrefix);
    this.#clock = clock;
    connection.onReady(() => this.#verifyAll(1)); // a pool that is new opens no connections for it
  }

  /**
   * What a marker must say for a claim that is made beside it to count; `undefined` if it must be verified with the claim:
   * it was not lately, or not over the connections there are now, or the server may evict what it should remember.
   */
  expected(marker: string): string | undefined {
    const known = this.#verified.get(marker);
    if (known?.policy !== 'noeviction' || known.until < performance.now()) return undefined;
    const { connections } = this.#connection;
    return connections !== undefined && connections === known.connections ? known.marker : undefined;
  }

  /** What has Redis compare the marker with itself, and date it now if it does not fit. The answer goes to `note`. */
  question(marker: string): { readonly command: VerifyCommand; note(reply: unknown): string } {
    const { connections } = this.#connection; // as they are when the question is sent
    const asked = this.#clock();
    return {
      command: verifyCommand(marker, this.#verified.get(marker)?.runId),
      note: (reply) => {
        const verification = verificationOf(reply);
        const until = performance.now() + VERIFIED_MS;
        this.#verified.set(marker, { ...verification, connections, until });
        this.#connection.warnings.ofPolicy(verification.policy);
        this.#connection.warnings.ofClock(outside(verification.now, asked, this.#clock()));
        // The others are probably no better, and would refuse an envelope each.
        if (verification.isAnew) this.#verifyAll(LANES);
        return verification.marker;
      },
    };
  }

  /** Asks that, and resolves to the marker. Rejects with `NONCE_STORE_UNAVAILABLE`. */
  async verify(marker: string): Promise<string> {
    const { command, note } = this.question(marker);
    const ask = () => this.#connection.call(marker, command);
    return note(await unavailable(ask, 'NONCE_STORE_UNAVAILABLE'));
  }

  /** In the background, once at a time, and in silence: what fails is verified with the next claim. */
  #verifyAll(count: number): void {
    if (this.#isVerifyingAll) return;
    this.#isVerifyingAll = true;
    const lanes = Array.from({ length: count }, (_, lane) =>
      this.#connection.each(
        this.#markers.filter((_marker, at) => at % count === lane),
        (marker) => this.verify(marker).catch(() => {}),
      ),
    );
    void Promise.all(lanes).then(() => {
      this.#isVerifyingAll = false;
    });
  }
}

/** By how much a time is after the end of an interval, or before its beginning, if negative. */
const outside = (time: number, from: number, to: number): number =>
  Math.max(time - to, 0) + Math.min(time - from, 0);

/** Throws `NONCE_STORE_UNAVAILABLE:COLD_START` unless the bucket remembered before the envelope was made. */
export function assertRemembered({ timestamp }: Pick<NonceUse, 'timestamp'>, marker: string): void {
  if (!(timestamp > (sinceOf(marker) ?? Infinity)))
    throw xlinkError('NONCE_STORE_UNAVAILABLE:COLD_START', { field: 'timestamp' });
}
