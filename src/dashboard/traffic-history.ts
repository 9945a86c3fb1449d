import type { RequestEvent } from '../types/events.js';
import type { Clock } from '../types/protocol.js';
import { type Counts, forEachKind, KINDS, type Kind, Ring, type Series } from './ring.js';

/** Lengths of time that are kept, from fine to coarse. */
export type RangeName = 'minutes' | 'day' | 'month';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** All slots begin where one of this length does. */
const FINEST_MS = 5 * SECOND;

const RANGES: Readonly<Record<RangeName, { readonly slotMs: number; readonly slots: number }>> = {
  minutes: { slotMs: FINEST_MS, slots: 120 }, // 10 minutes
  day: { slotMs: 5 * MINUTE, slots: 288 },
  month: { slotMs: 2 * HOUR, slots: 360 }, // 30 days
};

/** Below this many requests a share says little, and a longer time is looked at. */
const ENOUGH_REQUESTS = 100;

/**
 * Counts requests of the last ten minutes, day and month, in rings that never grow: some 45 kB however long it runs and
 * however many call. It begins empty and is gone with the process.
 */
export class TrafficHistory {
  /** In ms since 1970. */
  readonly since: number;
  readonly #clock: Clock;
  readonly #rings: Readonly<Record<RangeName, Ring>>;
  readonly #totals = nothing();
  /** Requests of the slot that is not over yet: a request is counted in one place, the rings get the sum. */
  #latest = nothing();
  #latestSlot = Number.NaN;

  constructor(clock: Clock = Date.now) {
    this.#clock = clock;
    this.since = clock();
    const ring = (name: RangeName) => new Ring(RANGES[name].slotMs, RANGES[name].slots, this.since);
    this.#rings = { minutes: ring('minutes'), day: ring('day'), month: ring('month') };
  }

  count({ outcome, method, form }: Pick<RequestEvent, 'outcome' | 'method' | 'form'>): void {
    const kind = outcome === 'refused' ? 'refused' : method === 'xlink' ? 'xlink' : 'apiKey';
    const slot = Math.floor(this.#clock() / FINEST_MS);
    if (slot !== this.#latestSlot) this.#turnTo(slot);
    this.#latest[kind] += 1;
    if (kind === 'xlink' && (form === 'session' || form === 'signature')) this.#latest[form] += 1;
  }

  /** Since the beginning. */
  get totals(): Counts {
    this.#turnTo(this.#latestSlot);
    return { ...this.#totals };
  }

  /** From the beginning, or as far back as the range goes. */
  series(name: RangeName): Series {
    this.#turnTo(this.#latestSlot);
    return this.#rings[name].series(this.#clock());
  }

  /**
   * Share of xLink among accepted requests, over the shortest time that holds enough of them to judge by; `share` is
   * `undefined` if there were none at all.
   */
  adoption(): Adoption {
    this.#turnTo(this.#latestSlot);
    const now = this.#clock();
    let best: Adoption = { share: undefined, requests: 0, overMs: RANGES.month.slotMs * RANGES.month.slots };
    for (const [name, slots] of STRETCHES) {
      const ring = this.#rings[name];
      const { xlink, apiKey } = ring.sum(now, slots);
      const requests = xlink + apiKey;
      if (requests <= best.requests) continue;
      best = { share: xlink / requests, requests, overMs: slots * ring.slotMs };
      if (requests >= ENOUGH_REQUESTS) break;
    }
    return best;
  }

  /** Puts what came lately into the rings, and begins anew. */
  #turnTo(slot: number): void {
    if (!Number.isNaN(this.#latestSlot)) {
      for (const ring of Object.values(this.#rings)) ring.add(this.#latestSlot * FINEST_MS, this.#latest);
      for (const kind of KINDS) this.#totals[kind] += this.#latest[kind];
    }
    this.#latest = nothing();
    this.#latestSlot = slot;
  }
}

const nothing = (): Record<Kind, number> => forEachKind(() => 0);

/** How far the migration is at present. */
export interface Adoption {
  /** 0 to 1. */
  readonly share: number | undefined;
  /** Requests the share is taken over. */
  readonly requests: number;
  /** Length of the time it is taken over, up to now, in ms. */
  readonly overMs: number;
}

/** 15 seconds, one minute, ten, an hour, a day, 30 days; the present slot is the last of them. */
const STRETCHES: readonly (readonly [RangeName, number])[] = [
  ['minutes', 3],
  ['minutes', 12],
  ['minutes', 120],
  ['day', 12],
  ['day', 288],
  ['month', 360],
];
