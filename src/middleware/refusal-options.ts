import type { Refusal } from '../http/decision.js';
import { checkOptions, isFunction } from '../util/options.js';

/** Options of the middleware, whatever the framework; `Args` are what handlers are called with in it. */
export interface MiddlewareOptions<Args extends unknown[]> {
  /**
   * Answers refusals, those of guards included, in the API's own way, in place of the problem document. Headers are set
   * already, status and body are its own. Not asked about refusals by which clients of this library decide what to do: those to
   * callers that ask for sealed answers, and those of its own routes. Default: none.
   */
  onRefusal?(refusal: Refusal, ...args: Args): unknown;
}

/** Throws `INVALID_OPTION`. */
export function checkMiddlewareOptions(owner: string, options: object): void {
  checkOptions<{ onRefusal?: unknown }>(owner, options, { onRefusal: isFunction });
}

/** As it is kept for guards behind, which know which framework they are for. */
export type OnRefusal = (refusal: Refusal, ...args: never[]) => unknown;
