import type { CryptoProvider } from '../../crypto/provider.js';
import { leafOf } from '../../session/checkpoint/leaf.js';
import type { CheckpointLimits } from '../../session/checkpoint/limits.js';
import type { Leaf } from '../../session/checkpoint/statement.js';
import { encodeBase64url } from '../../util/base64url.js';

/** A request of a session that its caller has not signed yet. */
export interface SentRequest {
  /** Once it is sealed: of what travels in the open, and of what is sealed; 32 bytes each. */
  sealed: { readonly digest: Uint8Array; readonly plaintext: Uint8Array } | undefined;
  /** Of what was sealed of its answer, once that is whole; 32 bytes. */
  answer: Uint8Array | undefined;
  /** Whether nothing more is to come. */
  isOver: boolean;
}

/** The time that a request may take to arrive, as a part of the time limit, and in ms at most. */
const TRANSIT = 0.1;
const MAX_TRANSIT_MS = 5000;

/** What the caller of a session has to sign, and how far it has. */
export class HeldCheckpoints {
  readonly limits: CheckpointLimits;
  /** The first number that is not signed. */
  next = 0;
  /** What the next checkpoint follows, 32 bytes. */
  head: Uint8Array;
  /** The service refused a request because of what is not signed. */
  isRequired = false;
  readonly #sent = new Map<number, SentRequest>();
  /** When the last checkpoint was asked for, by the caller's clock, ms since 1970: the service counts from no earlier. */
  #at: number;
  /** When a request found that the time was over. */
  #missedAt = -Infinity;

  constructor(limits: CheckpointLimits, head: Uint8Array, at: number) {
    this.limits = limits;
    this.head = head;
    this.#at = at;
  }

  /** Whether the request of this number may go through the session. */
  hasRoom(seq: number, now: number): boolean {
    const { requests, seconds } = this.limits;
    const transit = Math.min(seconds * 1000 * TRANSIT, MAX_TRANSIT_MS);
    return !this.isRequired && seq - this.next < requests - 1 && now < this.#at + seconds * 1000 - transit;
  }

  /** Whether it is time to sign. `seq`: the number of the next request. */
  isDue(seq: number, now: number): boolean {
    return this.isRequired || (seq > this.next && this.#part(seq, now) >= 0.5);
  }

  /** Whether a session that is out of time, with nothing to sign, is called often enough to be worth a checkpoint. */
  isMissed(now: number): boolean {
    const before = this.#missedAt;
    this.#missedAt = now;
    return now - before < this.limits.seconds * 1000;
  }

  /** The number behind those that are signed now: whose answers are still to come wait for a while, to be signed with them. */
  end(seq: number, now: number): number {
    const isUrgent = this.isRequired || this.#part(seq, now) >= 0.75;
    for (let number = this.next; number < seq; number++) {
      const sent = this.#sent.get(number);
      if (!sent?.sealed || (!isUrgent && !sent.isOver)) return number;
    }
    return seq;
  }

  /** The number behind the last that may be signed at all: one that was never sealed ends the session. `seq`: that of the next request. */
  reachable(seq: number): number {
    for (let number = this.next; number < seq; number++) {
      const sent = this.#sent.get(number);
      if (!sent || (sent.isOver && !sent.sealed)) return number;
    }
    return seq;
  }

  /** How much of what the limits allow is used, from 0. */
  #part(seq: number, now: number): number {
    const { requests, seconds } = this.limits;
    return Math.max((seq - this.next) / requests, (now - this.#at) / (seconds * 1000));
  }

  /** Takes down a request that is about to be sealed. */
  begin(seq: number): SentRequest {
    const sent: SentRequest = { sealed: undefined, answer: undefined, isOver: false };
    this.#sent.set(seq, sent);
    return sent;
  }

  async leaves(crypto: CryptoProvider, to: number): Promise<Leaf[]> {
    const leaves: Leaf[] = [];
    for (let seq = this.next; seq < to; seq++) {
      const { sealed, answer } = this.#sent.get(seq)!;
      const leaf = await leafOf(crypto, sealed!.digest, sealed!.plaintext, answer);
      leaves.push([seq, encodeBase64url(leaf)]);
    }
    return leaves;
  }

  /** What is before `to` is signed. */
  signed(to: number, head: Uint8Array, askedAt: number): void {
    for (; this.next < to; this.next++) this.#sent.delete(this.next);
    this.head = head;
    this.#at = askedAt;
    this.isRequired = false;
  }
}
