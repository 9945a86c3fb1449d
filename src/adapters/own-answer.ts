import type { Headers, Sealing } from '../http/decision.js';

/** An answer of a route of the library itself. */
export interface OwnAnswer {
  readonly status: number;
  /** What is sent as JSON. */
  readonly value?: unknown;
  /** What is sent in its place, of the type that `headers` names. */
  readonly text?: string;
  readonly headers?: Headers;
  readonly cacheSeconds?: number;
  /** For a caller that asks for a sealed answer. */
  readonly sealing?: Sealing;
}
