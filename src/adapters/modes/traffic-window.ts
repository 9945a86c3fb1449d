import type { ClientRecord } from '../clients/store.js';

/** Requests of known clients, as running totals or as a difference of two of them. */
export interface Traffic {
  /** Accepted requests with an API key. */
  readonly key: number;
  /** Accepted requests with an envelope. */
  readonly xlink: number;
  /** Refused requests. */
  readonly refused: number;
}

/** Running totals at a moment, in ms since 1970. */
export interface TrafficSample {
  /** When the totals were read, in ms since 1970. */
  readonly at: number;
  /** The totals at that moment. */
  readonly totals: Traffic;
}

/** Refusals that were announced are not errors. */
const INTENDED = new Set(['API_KEY_BROWNOUT', 'API_KEY_SWITCHED_OFF', 'CLIENT_LIMIT_EXCEEDED']);

export function totals(records: readonly ClientRecord[], ignored: ReadonlySet<string>): Traffic {
  const sum = { key: 0, xlink: 0, refused: 0 };
  for (const { client, keyRequests, xlinkRequests, failures } of records) {
    if (ignored.has(client)) continue;
    sum.key += keyRequests;
    sum.xlink += xlinkRequests;
    for (const [id, count] of Object.entries(failures)) if (!INTENDED.has(id)) sum.refused += count;
  }
  return sum;
}

const NAMES = ['key', 'xlink', 'refused'] as const;
/** Samples of a window that are kept over a restart, about. */
const KEPT = 24;

/** What happened within a stretch of time, from totals that are sampled now and then. */
export class TrafficWindow {
  readonly #windowMs: number;
  #samples: readonly TrafficSample[];

  /** `samples`: what an earlier window saw, from {@link TrafficWindow.thinned}. */
  constructor(windowMs: number, samples: readonly TrafficSample[] = []) {
    this.#windowMs = windowMs;
    this.#samples = samples;
  }

  /** Adds a sample; keeps one that is older than the window, to count from. Totals that fell were lost: it counts anew from there. */
  add(at: number, sample: Traffic): void {
    const last = this.#samples.at(-1);
    const isLost = last && NAMES.some((name) => sample[name] < last.totals[name]);
    this.#samples = [...(isLost ? [] : this.#samples), { at, totals: sample }];
    const firstInside = this.#samples.findIndex((one) => one.at > at - this.#windowMs);
    if (firstInside > 1) this.#samples = this.#samples.slice(firstInside - 1);
  }

  /** Counts anew, as after a step. */
  restart(): void {
    this.#samples = this.latest;
  }

  /** The last sample, if there is any: what a window begins with that counts from now on. */
  get latest(): readonly TrafficSample[] {
    return this.#samples.slice(-1);
  }

  /** As few samples as tell as much, to go on from after a restart. */
  thinned(): TrafficSample[] {
    const kept: TrafficSample[] = [];
    for (const sample of this.#samples)
      if (kept.length === 0 || sample.at - kept.at(-1)!.at >= this.#windowMs / KEPT) kept.push(sample);
    return kept;
  }

  /** Whether so much has been seen since those samples that it is worth keeping. */
  isAheadOf(samples: readonly TrafficSample[] = []): boolean {
    const [mine, theirs] = [this.#samples.at(-1)?.at ?? 0, samples.at(-1)?.at ?? 0];
    return mine - theirs >= this.#windowMs / KEPT;
  }

  get traffic(): Traffic {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last) return { key: 0, xlink: 0, refused: 0 };
    const difference = (name: keyof Traffic) => Math.max(0, last.totals[name] - first.totals[name]);
    return { key: difference('key'), xlink: difference('xlink'), refused: difference('refused') };
  }
}

/** 0 to 100; `undefined` without traffic. */
export const xlinkPercentage = ({ key, xlink }: Traffic): number | undefined =>
  key + xlink === 0 ? undefined : (100 * xlink) / (key + xlink);

/** 0 to 1; 0 without traffic. */
export const errorRate = ({ key, xlink, refused }: Traffic): number =>
  refused === 0 ? 0 : refused / (key + xlink + refused);
