import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { COOKIE_LENGTH } from './packet.js';

const LIFE_MS = 120_000;

/** Where a datagram comes from or goes to. */
export interface Remote {
  readonly address: string;
  readonly port: number;
}

/** Cookies prove that a sender gets what is sent to its address. Nothing is kept for them but two secrets (WireGuard 5.4.7). */
export class Cookies {
  readonly #clock: () => number;
  #secrets: readonly Uint8Array[];
  #since: number;

  constructor(clock: () => number) {
    this.#clock = clock;
    this.#secrets = [randomBytes(32), randomBytes(32)];
    this.#since = clock();
  }

  /** The cookie of a sender. */
  make(remote: Remote): Uint8Array {
    this.#turn();
    return cookieOf(this.#secrets[0]!, remote);
  }

  /** Whether it is the sender's, and not older than four minutes. */
  isGood(remote: Remote, cookie: Uint8Array): boolean {
    this.#turn();
    return this.#secrets.some((secret) => timingSafeEqual(cookieOf(secret, remote), cookie));
  }

  #turn(): void {
    const slots = Math.floor((this.#clock() - this.#since) / LIFE_MS);
    if (slots <= 0) return;
    this.#secrets = [randomBytes(32), slots === 1 ? this.#secrets[0]! : randomBytes(32)];
    this.#since += slots * LIFE_MS;
  }
}

const cookieOf = (secret: Uint8Array, { address, port }: Remote): Buffer =>
  createHmac('sha256', secret).update(`${port} ${address}`).digest().subarray(0, COOKIE_LENGTH);
