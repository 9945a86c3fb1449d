import { BaseAgent } from '../agent/agent.js';
import type { InboundRequest } from '../http/decision.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { checkOptions, integerIn, isBoolean, isFunction } from '../util/options.js';
import { DualModeAdapter } from './dual-mode-adapter.js';
import type { ExpressMiddleware } from './express/middleware.js';

/** Options of `agent.middleware()`. */
export interface AgentMiddlewareOptions {
  /** Refuses envelopes that are not bound to method, path and query. Default `false`, as with `receive()`. */
  readonly requireRequestBinding?: boolean;
  /** Accepts signed-only envelopes in bodies. Default `false`. */
  readonly allowCleartext?: boolean;
  /** Adds hint and field to problem bodies. Default `false`. */
  readonly exposeDetails?: boolean;
  /** Bytes of bodies held while their signatures are not verified; see {@link DualModeOptions.maxUnauthenticatedBytes}. Default 32 MiB. */
  readonly maxUnauthenticatedBytes?: number;
  /** The IP address that counts for that; see {@link DualModeOptions.addressOf}. */
  readonly addressOf?: (request: InboundRequest) => string | undefined;
  /** How many processes serve the route; see {@link DualModeOptions.instances}. Default: as there. */
  readonly instances?: number;
}

/**
 * An identity at work: it seals what it sends, and verifies and opens what it receives. Agents are peers; there is no
 * client and no server among them.
 */
export class Agent extends BaseAgent {
  /**
   * Express middleware for a route that takes envelopes and nothing else, as `application/xlink-envelope` or
   * `application/json`: what was received is in `req.agentMessage`, its payload in `req.body`.
   */
  middleware(options: AgentMiddlewareOptions = {}): ExpressMiddleware {
    checkOptions('Agent.middleware', options, {
      requireRequestBinding: isBoolean,
      allowCleartext: isBoolean,
      exposeDetails: isBoolean,
      maxUnauthenticatedBytes: integerIn(2048, 2 ** 40),
      addressOf: isFunction,
      instances: integerIn(1, 100_000),
    });
    const adapter = new DualModeAdapter(
      {
        ...options,
        requireRequestBinding: options.requireRequestBinding ?? false,
        agent: this,
        mode: 'xlink-only',
        legacyKeyValidator: () => null,
      },
      [ENVELOPE_TYPE, 'application/json'],
    );
    return adapter.middleware();
  }
}
