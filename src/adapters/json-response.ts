import type { Headers, Sealing } from '../http/decision.js';
import type { AgentMessage } from '../types/protocol.js';

/** A JSON answer of one of the adapter's own routes. */
export interface JsonResponse {
  readonly status: number;
  readonly value: unknown;
  readonly cacheSeconds?: number;
  /** In the place of those of JSON. */
  readonly headers?: Headers;
  /** For a caller that asks for a sealed answer. */
  readonly sealing?: Sealing;
}

/** How the answer to an envelope is sealed, if its caller asks for that. Found out before anything is carried out; throws `ANSWER_NOT_SEALED`. */
export type PrepareSealing = (message: AgentMessage) => Promise<Sealing>;
