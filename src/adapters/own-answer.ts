import type { Headers, Sealing } from '../http/decision.js';
import type { AgentMessage } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';

/** An answer of a route of the library itself. */
export interface OwnAnswer {
  readonly status: number;
  /** What is sent as JSON. */
  readonly value?: unknown;
  /** What is sent in its place, of the type that `headers` names. */
  readonly text?: string;
  /** In the place of those of JSON. */
  readonly headers?: Headers;
  readonly cacheSeconds?: number;
  /** For a caller that asks for a sealed answer. */
  readonly sealing?: Sealing;
}

/** How the answer to an envelope is sealed, if its caller asks for that. Found out before anything is carried out; throws `ANSWER_NOT_SEALED`. */
export type PrepareSealing = (message: AgentMessage) => Awaitable<Sealing>;
