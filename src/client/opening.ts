import type { BaseAgent } from '../agent/agent.js';
import type { Service } from '../discovery/discover.js';

/** Who opens an answer, and whose it must be. */
export interface Opening {
  readonly agent: BaseAgent;
  readonly service: Pick<Service, 'did'>;
  /** Bytes of the body, at most. Default: no limit, for it is opened as it is read. */
  readonly maxBytes: number | undefined;
  /** Of the caller, who may give up while the body is read. */
  readonly signal: AbortSignal | undefined;
}
