import type { InboundRequest } from '../../http/decision.js';
import { readNodeBody } from './body.js';
import type { FrameworkContext } from './framework-context.js';
import type { NodeRequest } from './types.js';

/** A request as the adapters see it. */
export function inboundRequest({ req, request, target, bodies }: FrameworkContext): InboundRequest {
  return {
    method: req.method ?? 'GET',
    target,
    hasBody: announcesBody(req),
    raw: request,
    header(name) {
      const value = req.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    readBody: (maxBytes) => readNodeBody(req, bodies, maxBytes),
  };
}

/** HTTP/2 needs neither header: there a request has a body unless its headers ended the stream. */
function announcesBody({ headers, stream }: NodeRequest): boolean {
  const length = headers['content-length'];
  if (length !== undefined) return length !== '0';
  return headers['transfer-encoding'] !== undefined || stream?.endAfterHeaders === false;
}
