import { xlinkError } from '../../errors/service-errors.js';
import type { Clock } from '../../types/protocol.js';
import { BoundedMap } from '../../util/bounded-map.js';

export interface NonceQuotaOptions {
  /** Nonces that may live at a time, of each name. */
  readonly max: number;
  /** How long a nonce lives, in ms. */
  readonly ttlMs: number;
  readonly clock: Clock;
}

/** Names that are counted at a time; the one that was quiet for longest is forgotten first. Some 15 MB. */
const MAX_NAMES = 100_000;
/** A nonce is counted for its time to live, and up to a quarter of it more. */
const PARTS = 4;

/** What one name claimed in each of the last parts of a time to live. */
interface Counts {
  /** The part that the last of the counts is for. */
  part: number;
  /** The oldest first; one more than the parts of a time to live. */
  readonly claimed: number[];
}

/** The place of one nonce in the count, for one of those who try to claim it. */
export interface NoncePlace {
  /** The nonce is claimed: it counts for as long as it lives. */
  claimed(): void;
  /** Whoever tried is through. If nobody claimed the nonce, the place is free again. */
  leave(): void;
}

/** A nonce that is being claimed by one or several copies of an envelope: they take one place together. */
interface Trial {
  readonly part: number;
  copies: number;
  isClaimed: boolean;
}

/** Counts the nonces of each client that live, in this process, so that none of them can fill the store of nonces. */
export class NonceQuota {
  readonly #max: number;
  readonly #partMs: number;
  readonly #clock: Clock;
  readonly #counts = new BoundedMap<string, Counts>(MAX_NAMES);
  /** As many as there are requests between their signature and their claim. */
  readonly #trials = new Map<string, Trial>();

  constructor({ max, ttlMs, clock }: NonceQuotaOptions) {
    this.#max = max;
    this.#partMs = ttlMs / PARTS;
    this.#clock = clock;
  }

  /**
   * Counts a nonce that is about to be claimed, copies that come meanwhile once. Throws
   * `NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA` for one too many.
   */
  take(name: string, nonce: string): NoncePlace {
    const key = `${nonce} ${name}`;
    const trial = this.#trials.get(key) ?? { part: this.#count(name), copies: 0, isClaimed: false };
    this.#trials.set(key, trial);
    trial.copies += 1;
    let isThere = true;
    return {
      claimed() {
        trial.isClaimed = true;
      },
      leave: () => {
        if (!isThere) return;
        isThere = false;
        trial.copies -= 1;
        if (trial.copies > 0) return;
        this.#trials.delete(key);
        if (!trial.isClaimed) this.#uncount(name, trial.part);
      },
    };
  }

  /** The part in which it was counted. */
  #count(name: string): number {
    const now = this.#clock();
    const part = Math.floor(now / this.#partMs);
    const counts = this.#counts.get(name) ?? { part, claimed: new Array<number>(PARTS + 1).fill(0) };
    this.#counts.set(name, counts);
    forgetOld(counts, part);
    if (counts.claimed.reduce((sum, count) => sum + count, 0) >= this.#max) {
      const oldest = counts.part - PARTS + counts.claimed.findIndex((count) => count > 0);
      const retryAfterMs = (oldest + PARTS + 1) * this.#partMs - now;
      throw xlinkError('NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA', { retryAfterMs });
    }
    counts.claimed[PARTS]! += 1;
    return counts.part;
  }

  #uncount(name: string, part: number): void {
    const counts = this.#counts.get(name);
    const at = PARTS - ((counts?.part ?? part) - part);
    if (counts && at >= 0 && counts.claimed[at]! > 0) counts.claimed[at]! -= 1;
  }
}

/** A clock that went back counts as one that stood still. */
function forgetOld(counts: Counts, part: number): void {
  const passed = Math.min(part - counts.part, PARTS + 1);
  for (let at = 0; at < passed; at++) {
    counts.claimed.shift();
    counts.claimed.push(0);
  }
  counts.part = Math.max(counts.part, part);
}
