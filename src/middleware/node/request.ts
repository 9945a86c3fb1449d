import type { IncomingBody } from '../../http/body-intake.js';
import type { InboundRequest } from '../../http/decision.js';
import { readNodeBody } from './body.js';
import type { FrameworkContext } from './framework-context.js';
import type { BodyHolder, NodeRequest } from './types.js';

/** A request as the adapters see it. */
export function inboundRequest({ req, request, target, bodies }: FrameworkContext): InboundRequest {
  return { method: req.method ?? 'GET', target, raw: request, ...incomingBody(req, bodies) };
}

/** What can be told of the body of a request before it is read, and how it is read. */
export function incomingBody(req: NodeRequest, bodies: readonly BodyHolder[] = []): IncomingBody {
  return {
    hasBody: announcesBody(req),
    remoteAddress: req.socket?.remoteAddress,
    header(name) {
      const value = req.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    readBody: (maxBytes, checkStart) => readNodeBody(req, bodies, maxBytes, checkStart),
  };
}

/** HTTP/2 needs neither header: there a request has a body unless its headers ended the stream. */
function announcesBody({ headers, stream }: NodeRequest): boolean {
  const length = headers['content-length'];
  if (length !== undefined) return length !== '0';
  return headers['transfer-encoding'] !== undefined || stream?.endAfterHeaders === false;
}
