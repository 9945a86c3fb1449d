import type { IncomingBody } from '../../http/body-intake.js';
import type { InboundRequest } from '../../http/decision.js';
import { leftByParser, readNodeBody } from './body.js';
import { BodyTap } from './body-tap.js';
import { fieldOf } from './field-of.js';
import type { FrameworkContext } from './framework-context.js';
import { whenGone } from './gone.js';
import type { BodyHolder, NodeRequest } from './types.js';

type BodyOfNode = IncomingBody & Required<Pick<IncomingBody, 'lines' | 'isBodyGone'>>;
type Arrived = Pick<FrameworkContext, 'req' | 'request' | 'target' | 'mount' | 'isOnRoute' | 'bodies'>;

/**
 * A request as the adapters see it. In one literal: what a function holds that is added to an object later, by `...` too,
 * lives until the next full collection in V8, and these hold all of the request.
 */
export function inboundRequest({
  req,
  request,
  target,
  mount = mountOf(target, req.url ?? ''),
  isOnRoute,
  bodies,
}: Arrived): InboundRequest & BodyOfNode {
  return {
    method: req.method ?? 'GET',
    target,
    raw: request,
    mount,
    isOnRoute: isOnRoute === true,
    hasBody: announcesBody(req),
    remoteAddress: req.socket?.remoteAddress,
    header: (name) => fieldOf(req, name),
    lines: (name) => linesOf(req, name),
    isBodyGone: () => req.readableEnded && leftByParser(bodies) === undefined,
    readBody: (maxBytes, checkStart) => readNodeBody(req, bodies, maxBytes, checkStart),
    openBody: () => (leftByParser(bodies) ? undefined : BodyTap.of(req)),
    whenGone: (then) => whenGone(req, then),
  };
}

/** What is left of a target once the end is taken away that routers have left of it. */
export const mountOf = (target: string, url: string): string =>
  url !== target && url.startsWith('/') && target.endsWith(url) ? target.slice(0, -url.length) : '';

/** What can be told of the body of a request before it is read, and how it is read. */
export const incomingBody = (req: NodeRequest, bodies: readonly BodyHolder[] = []): BodyOfNode =>
  inboundRequest({ req, request: req, target: req.url ?? '', bodies });

/** Node itself keeps the first line of some headers, and of others joins them. */
export function linesOf({ rawHeaders = [], headers }: NodeRequest, name: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const line = rawHeaders[at]!;
    if (line.length === name.length && line.toLowerCase() === name) lines.push(rawHeaders[at + 1]!);
  }
  if (lines.length > 0 || !Object.hasOwn(headers, name)) return lines;
  return [headers[name] ?? []].flat(); // whoever made the request by hand may have no lines
}

/**
 * Transfer-Encoding counts before Content-Length (RFC 9112 section 6.3). HTTP/2 needs neither: there a request has a body
 * unless its headers ended the stream.
 */
export function announcesBody({ headers, stream }: NodeRequest): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  const length = headers['content-length'];
  return length === undefined ? stream?.endAfterHeaders === false : Number(length) !== 0;
}
