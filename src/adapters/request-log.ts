import { type AdapterMetrics, AdoptionCounter } from '../http/adoption-counter.js';
import { authenticationOf, type Outcome } from '../http/decision.js';
import { unref } from '../util/backoff.js';
import { sharedByCopies } from '../util/copies.js';
import { given } from '../util/given.js';
import type { Clients } from './clients/clients.js';
import { UNMATCHED } from './clients/cutover-report.js';
import type { KeyUse } from './key-use/key-use.js';
import type { Observers } from './observers.js';

/** How the response to a request ended. */
export interface ResponseEnd {
  readonly status: number;
  /** Template of the route that served it, where there was one. */
  readonly route: string | undefined;
  /** The connection was gone before there was an answer. */
  readonly aborted: boolean;
}

/** A request that is not over by then is one that stays open. */
const MOMENT_MS = 1000;

const numbers = sharedByCopies('request-numbers/1', () => ({ last: 0 }));

/**
 * Counts each request once, and tells of it: when it is over, or, if that takes longer than a moment, as an open one. A guard
 * may refuse what was accepted, so nothing is counted before that moment, unless somebody asks.
 */
export class RequestLog {
  readonly #adoption = new AdoptionCounter();
  #signatures = 0;
  readonly #clients: Clients | undefined;
  readonly #observers: Observers;
  readonly #keyUse: KeyUse | undefined;
  /** Accepted since the last tick, and since the one before. */
  #fresh = new Map<number, Outcome>();
  #older = new Map<number, Outcome>();
  readonly #open = new Set<number>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(clients: Clients | undefined, observers: Observers, keyUse: KeyUse | undefined) {
    this.#clients = clients;
    this.#observers = observers;
    this.#keyUse = keyUse;
  }

  get adoption(): AdapterMetrics {
    this.settle();
    return { ...this.#adoption.snapshot(), signatureRequests: this.#signatures };
  }

  /** The same outcome of a request that was accepted, with a number for it. */
  accepted(outcome: Outcome): Outcome {
    numbers.last += 1;
    const request = numbers.last;
    const numbered: Outcome = { ...outcome, request };
    this.#fresh.set(request, numbered);
    if (!this.#timer) {
      this.#timer = setInterval(() => this.#tick(), MOMENT_MS);
      unref(this.#timer);
    }
    return numbered;
  }

  /** Counts all that are open at this moment. */
  settle(): void {
    for (const requests of [this.#older, this.#fresh]) this.#openAll(requests);
    this.#fresh.clear();
    this.#older.clear();
  }

  over(outcome: Outcome, { status, route, aborted }: ResponseEnd): void {
    const number = outcome.request ?? 0;
    const isCounted = this.#open.delete(number);
    if (isCounted) this.#clients?.released(outcome);
    else this.#fresh.delete(number) || this.#older.delete(number);
    if (!isCounted || outcome.error) this.#count(outcome); // a guard that refuses late
    this.#keyUse?.used(outcome, route);
    if (!this.#observers.isHeard) return;
    this.#observers.emit({
      type: 'request',
      ...authenticationOf(outcome),
      status,
      ...(aborted ? { aborted } : {}),
      route: route ?? UNMATCHED,
      ...(isCounted ? { opened: number } : {}),
      durationMs: outcome.durationMs,
      ...given({ offered: outcome.offered, traceId: outcome.traceId }),
    });
  }

  #count(outcome: Outcome): void {
    this.#adoption.count(outcome);
    if (outcome.form === 'signature' && !outcome.error) this.#signatures += 1;
    this.#clients?.count(outcome);
  }

  #tick(): void {
    this.#openAll(this.#older);
    this.#older = this.#fresh;
    this.#fresh = new Map();
    if (this.#older.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #openAll(requests: ReadonlyMap<number, Outcome>): void {
    for (const [number, outcome] of requests) {
      this.#open.add(number);
      this.#count(outcome);
      this.#clients?.held(outcome);
      this.#observers.emit({ type: 'open', ...authenticationOf(outcome), number });
    }
  }
}
