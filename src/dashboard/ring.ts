/** Requests of a stretch of time. */
export interface Counts {
  /** Accepted by xLink. */
  readonly xlink: number;
  /** Those of them that came in a session. */
  readonly session: number;
  /** Those of them that were signed by RFC 9421. */
  readonly signature: number;
  /** Accepted with an API key. */
  readonly apiKey: number;
  /** Refused. */
  readonly refused: number;
}

/** Accepted requests by what proved who sent them. */
export interface Proofs {
  /** In a session: a symmetric key of both sides, that a signed handshake made. */
  readonly session: number;
  /** An envelope of its own, signed and mostly sealed. */
  readonly envelope: number;
  /** A signature by RFC 9421. */
  readonly signature: number;
  /** An API key. */
  readonly apiKey: number;
}

/** Counts slot by slot, oldest first, without gaps; the last slot is the present one and not over yet. */
export interface Series {
  /** Length of a slot, in ms. */
  readonly slotMs: number;
  /** How far back such counts go, in ms; fewer slots are there while there is less to count. */
  readonly overMs: number;
  /** When the first slot began, in ms since 1970. */
  readonly from: number;
  /** Of the whole stretch. */
  readonly proofs: Proofs;
  /** Accepted by xLink, one count for each slot. */
  readonly xlink: readonly number[];
  /** Accepted with an API key, one count for each slot. */
  readonly apiKey: readonly number[];
  /** Refused, one count for each slot. */
  readonly refused: readonly number[];
}

export const KINDS = ['xlink', 'apiKey', 'refused', 'session', 'signature'] as const;
/** What a request counts as. */
export type Kind = (typeof KINDS)[number];

/** A value for each kind. */
export const forEachKind = <T>(value: (kind: Kind) => T): Record<Kind, T> =>
  Object.fromEntries(KINDS.map((kind) => [kind, value(kind)])) as Record<Kind, T>;

/** Slots that are reused in turn; each knows which stretch of time it holds. */
export class Ring {
  readonly slotMs: number;
  readonly #first: number;
  readonly #numbers: Float64Array;
  readonly #counts: Readonly<Record<Kind, Float64Array>>;

  constructor(slotMs: number, slots: number, since: number) {
    this.slotMs = slotMs;
    this.#first = Math.floor(since / slotMs);
    this.#numbers = new Float64Array(slots).fill(-1);
    this.#counts = forEachKind(() => new Float64Array(slots));
  }

  /** `time`: when they came. */
  add(time: number, counts: Counts): void {
    const number = Math.floor(time / this.slotMs);
    const at = number % this.#numbers.length;
    if (this.#numbers[at] !== number) {
      this.#numbers[at] = number;
      for (const one of KINDS) this.#counts[one][at] = 0;
    }
    for (const one of KINDS) this.#counts[one][at]! += counts[one];
  }

  series(now: number): Series {
    const last = Math.floor(now / this.slotMs);
    const first = Math.min(last, Math.max(this.#first, last - this.#numbers.length + 1));
    const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const of = (kind: Kind) => numbers.map((number) => this.#at(number, kind));
    return {
      slotMs: this.slotMs,
      overMs: this.slotMs * this.#numbers.length,
      from: first * this.slotMs,
      proofs: proofsOf(this.sum(now, numbers.length)),
      xlink: of('xlink'),
      apiKey: of('apiKey'),
      refused: of('refused'),
    };
  }

  /** Of the last `slots` slots. */
  sum(now: number, slots: number): Counts {
    const last = Math.floor(now / this.slotMs);
    return forEachKind((kind) => {
      let total = 0;
      for (let number = last - slots + 1; number <= last; number++) total += this.#at(number, kind);
      return total;
    });
  }

  /** What was counted in a slot; 0 if it was reused or never used. */
  #at(number: number, kind: Kind): number {
    const at = number % this.#numbers.length;
    return this.#numbers[at] === number ? this.#counts[kind][at]! : 0;
  }
}

const proofsOf = ({ xlink, session, signature, apiKey }: Counts): Proofs => ({
  session,
  envelope: xlink - session - signature,
  signature,
  apiKey,
});
