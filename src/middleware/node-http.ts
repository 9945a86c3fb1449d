import type { InboundRequest } from '../adapters/http.js';
import { readNodeBody } from './node-body.js';
import type { NodeRequest, RequestExtras } from './node-types.js';

/** A Node request as the adapters see it. */
export function inboundRequest(req: NodeRequest): InboundRequest {
  const length = req.headers['content-length'];
  return {
    method: req.method ?? 'GET',
    target: (req as RequestExtras).originalUrl ?? req.url ?? '/',
    hasBody: req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0'),
    raw: req,
    header(name) {
      const value = req.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    readBody: (maxBytes) => readNodeBody(req, maxBytes),
  };
}
