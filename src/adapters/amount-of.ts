import type { InboundRequest } from '../http/decision.js';

/** How much a request is about: a number, `undefined` if it is about no amount, `'unknown'` if that cannot be told. */
export type AmountOf = (request: InboundRequest, payload: unknown) => number | 'unknown' | undefined;
