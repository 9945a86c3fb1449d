import type { PeerAgent } from '../agent/peer-agent.js';
import { asksForReceipt, RECEIPT_HEADER } from '../http/receipt-header.js';
import type { AgentMessage } from '../types/protocol.js';
import type { ExpressMiddleware } from './express/middleware.js';
import type { KoaResponse } from './node/types.js';

/**
 * Sends a receipt beside the answer of the handler to a sender that asked for one: `processed` under a status below 400, else `failed`. Both
 * are signed before the handler runs, for when the head of the answer is written nothing can be waited for.
 */
export function withReceipts(agent: PeerAgent, middleware: ExpressMiddleware): ExpressMiddleware {
  return (req, res, next) =>
    middleware(req, res, (error) => {
      const { agentMessage } = req as { agentMessage?: AgentMessage };
      const asked = asksForReceipt(String(req.headers[RECEIPT_HEADER]));
      if (error !== undefined || !asked || !agentMessage) return next(error);
      prepare(agent, agentMessage, res as KoaResponse).then(
        () => next(),
        () => next(), // the message was received all the same
      );
    });
}

async function prepare(agent: PeerAgent, message: AgentMessage, res: KoaResponse): Promise<void> {
  const [processed, failed] = await Promise.all([
    agent.createReceipt(message, 'processed'),
    agent.createReceipt(message, 'failed'),
  ]);
  const writeHead = res.writeHead;
  res.writeHead = function head(this: KoaResponse, status: number, ...rest: never[]) {
    res.writeHead = writeHead;
    if (!res.headersSent) res.setHeader(RECEIPT_HEADER, JSON.stringify(status < 400 ? processed : failed));
    return writeHead.call(this, status, ...rest);
  } as typeof writeHead;
}
