import type { InboundRequest } from '../adapters/http.js';
import { readNodeBody } from './node-body.js';
import type { NodeRequest, RequestExtras } from './node-types.js';

/** A Node request as the adapters see it. */
export function inboundRequest(req: NodeRequest): InboundRequest {
  return {
    method: req.method ?? 'GET',
    target: (req as RequestExtras).originalUrl ?? req.url ?? '/',
    hasBody: announcesBody(req),
    raw: req,
    header(name) {
      const value = req.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    readBody: (maxBytes) => readNodeBody(req, maxBytes),
  };
}

/** HTTP/2 needs neither header: there a request has a body unless its headers ended the stream. */
function announcesBody({ headers, stream }: NodeRequest): boolean {
  const length = headers['content-length'];
  if (length !== undefined) return length !== '0';
  return headers['transfer-encoding'] !== undefined || stream?.endAfterHeaders === false;
}
