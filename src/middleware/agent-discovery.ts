import { isDiscovery } from '../agent/answer-discovery.js';
import type { PeerAgent } from '../agent/peer-agent.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import type { ExpressMiddleware } from './express/middleware.js';
import type { KoaResponse } from './node/types.js';

/** Answers who asks what the agent can do, in the place of the handler. */
export function withDiscovery(agent: PeerAgent, middleware: ExpressMiddleware): ExpressMiddleware {
  return (req, res, next) =>
    middleware(req, res, (error) => {
      const { agentMessage } = req as { agentMessage?: AgentMessage };
      if (error !== undefined || !agentMessage || !isDiscovery(agentMessage)) return next(error);
      agent.answerDiscovery(agentMessage).then((answer) => respond(res as KoaResponse, answer), next);
    });
}

function respond(res: KoaResponse, answer: Envelope): void {
  res.statusCode = 200;
  res.setHeader('content-type', ENVELOPE_TYPE);
  res.setHeader('cache-control', 'no-store');
  res.end(JSON.stringify(answer));
}
