import type { ClientRecord } from './client-store.js';

/** Requests of known clients, as running totals or as a difference of two of them. */
export interface Traffic {
  readonly key: number;
  readonly xlink: number;
  readonly refused: number;
}

/** Refusals that were announced are not errors. */
const INTENDED = new Set(['API_KEY_BROWNOUT', 'API_KEY_SWITCHED_OFF']);

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

/** What happened within a stretch of time, from totals that are sampled now and then. */
export class TrafficWindow {
  readonly #windowMs: number;
  #samples: { readonly at: number; readonly totals: Traffic }[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Adds a sample; keeps one that is older than the window, to count from. */
  add(at: number, sample: Traffic): void {
    this.#samples.push({ at, totals: sample });
    const firstInside = this.#samples.findIndex((one) => one.at > at - this.#windowMs);
    if (firstInside > 1) this.#samples = this.#samples.slice(firstInside - 1);
  }

  /** Counts anew, as after a step. */
  restart(): void {
    this.#samples = this.#samples.slice(-1);
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
