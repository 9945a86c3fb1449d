import { ENVELOPE_TYPE } from '../adapters/credentials.js';
import { DualMode } from '../adapters/dual-mode.js';
import { AgentCore } from '../agent/agent.js';
import { checkOptions, isBoolean } from '../util/options.js';
import { type ExpressMiddleware, expressMiddleware } from './express.js';

export interface AgentMiddlewareOptions {
  /** Refuses envelopes that are not bound to method, path and query. Default `false`, as with `receive()`. */
  readonly requireRequestBinding?: boolean;
  /** Accepts signed-only envelopes in bodies. Default `false`. */
  readonly allowCleartext?: boolean;
  /** Adds hint and field to problem bodies. Default `false`. */
  readonly exposeDetails?: boolean;
}

/**
 * An identity at work: it seals what it sends, and verifies and opens what it receives. Agents are peers; there is no
 * client and no server among them.
 */
export class Agent extends AgentCore {
  /**
   * Express middleware for a route that takes envelopes and nothing else, as `application/xlink-envelope` or
   * `application/json`: what was received is in `req.agentMessage`, its payload in `req.body`.
   */
  middleware(options: AgentMiddlewareOptions = {}): ExpressMiddleware {
    checkOptions('Agent.middleware', options, {
      requireRequestBinding: isBoolean,
      allowCleartext: isBoolean,
      exposeDetails: isBoolean,
    });
    const adapter = new DualMode(
      {
        ...options,
        requireRequestBinding: options.requireRequestBinding ?? false,
        agent: this,
        mode: 'xlink-only',
        legacyKeyValidator: () => null,
      },
      [ENVELOPE_TYPE, 'application/json'],
    );
    return expressMiddleware(adapter);
  }
}
