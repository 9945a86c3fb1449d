import { type AdapterMetrics, AdoptionCounter } from '../http/adoption-counter.js';
import { authenticationOf, type Decision, type Outcome } from '../http/decision.js';
import type { XlinkEvent } from '../types/events.js';
import { sharedByCopies } from '../util/copies.js';
import { given } from '../util/given.js';
import type { Clients } from './clients/clients.js';

/** How the response to a request ended. */
export interface ResponseEnd {
  readonly status: number;
  /** Template of the route that served it, where there was one. */
  readonly route: string | undefined;
  /** The connection was gone before there was an answer. */
  readonly aborted: boolean;
}

const numbers = sharedByCopies('request-numbers/1', () => ({ last: 0 }));

/** Tells of requests, and counts them: when they are decided, for a stream may be open for days, and again when they are over. */
export class RequestLog {
  readonly #adoption = new AdoptionCounter();
  readonly #clients: Clients | undefined;
  readonly #emit: (event: XlinkEvent) => void;

  constructor(clients: Clients | undefined, emit: (event: XlinkEvent) => void) {
    this.#clients = clients;
    this.#emit = emit;
  }

  get adoption(): AdapterMetrics {
    return this.#adoption.snapshot();
  }

  /** The same decision, counted, and with a number for its request. */
  decided<D extends Decision>(decision: D): D {
    if (!decision.outcome) return decision;
    numbers.last += 1;
    const outcome: Outcome = { ...decision.outcome, request: numbers.last };
    this.#adoption.count(outcome);
    this.#clients?.count(outcome);
    if (!outcome.error) this.#emit({ type: 'accepted', ...toldOf(outcome) });
    return { ...decision, outcome };
  }

  over(outcome: Outcome, { status, route, aborted }: ResponseEnd): void {
    this.#clients?.over(outcome);
    this.#emit({
      type: 'request',
      ...toldOf(outcome),
      status,
      ...(aborted ? { aborted } : {}),
      route: route ?? 'unmatched',
    });
  }
}

const toldOf = (outcome: Outcome) => ({
  ...authenticationOf(outcome),
  request: outcome.request ?? 0,
  durationMs: outcome.durationMs,
  ...given({ traceId: outcome.traceId }),
});
