import type { ToolLimits } from '../discovery/tool.js';
import { checkOptions, integerIn, isBoolean, isObject } from '../util/options.js';

/** Options of `agent.discover()`. */
export interface DiscoverAgentOptions extends Partial<ToolLimits> {
  /** Asks even if what the agent said before is still good. Default `false`. */
  readonly refresh?: boolean;
  /** How long it may take in all, in ms, 1 to 600 000. Default 5000. */
  readonly timeoutMs?: number;
  /** Ends the wait with `NETWORK_ERROR`. Default: `timeoutMs` alone does. */
  readonly signal?: AbortSignal;
}

/** Throws `INVALID_OPTION`. */
export const checkDiscoverAgentOptions = (options: DiscoverAgentOptions): void =>
  checkOptions('Agent.discover', options, {
    refresh: isBoolean,
    timeoutMs: integerIn(1, 600_000),
    signal: isObject,
    maxTools: integerIn(1, 100_000),
    maxSchemaDepth: integerIn(1, 500),
    maxBytes: integerIn(1024, 2 ** 30),
  });
