import type { Headers, HttpResponse, Refusal } from '../../http/decision.js';
import { discardNodeBody } from './body.js';
import { makeRoom } from './listener-room.js';
import type { NodeRequest, NodeResponse } from './types.js';

/** How much of a refused upload is read and thrown away before the connection is cut: 8 MiB. */
export const MAX_DISCARDED_BYTES = 8 * 1024 * 1024;

const LISTS = new Set(['Link', 'Access-Control-Expose-Headers', 'WWW-Authenticate']);

/** Where headers are set: the response itself, or what a framework has in front of it. */
export type HeaderHolder = Pick<NodeResponse, 'headersSent' | 'getHeader' | 'setHeader'>;

/** Lists such as Link are added to; everything else is set. Does nothing once the headers are on their way. */
export function setHeaders(res: HeaderHolder, headers: Headers): void {
  if (res.headersSent) return;
  for (const [name, value] of Object.entries(headers)) {
    const present = LISTS.has(name) ? res.getHeader(name) : undefined;
    const said = String(present ?? '');
    if (said === value || said.endsWith(`, ${value}`)) continue; // Fastify shows what Node's response has as its own
    res.setHeader(name, present === undefined ? value : `${said}, ${value}`);
  }
}

/** Leaves it to the API to answer a refusal: headers are set, and a client that is still sending gets to read what it says. */
export function leaveRefusal(req: NodeRequest, res: HeaderHolder, { headers }: Refusal): void {
  setHeaders(res, headers);
  discardNodeBody(req, MAX_DISCARDED_BYTES);
}

/** Sends an answer; `send` writes status and body. A client that is still sending gets to read it. */
export function answerRequest(
  req: NodeRequest,
  res: HeaderHolder,
  answer: HttpResponse,
  send: (answer: HttpResponse) => void,
): void {
  setHeaders(res, answer.headers);
  if (!res.headersSent) send(answer);
  discardNodeBody(req, MAX_DISCARDED_BYTES);
}

/**
 * At once if it is closed already. `aborted`: the client was gone before there was an answer. A response whose connection was handed
 * over to another protocol never closes, so there the connection counts.
 */
export function whenClosed(req: NodeRequest, res: NodeResponse, then: (aborted: boolean) => void): void {
  if (res.closed) {
    then(true);
    return;
  }
  let isOver = false;
  const over = () => {
    if (isOver) return;
    isOver = true;
    if (res.writableEnded) then(false);
    else queueMicrotask(() => then(!res.writableEnded)); // serverless-http closes a response within its end()
  };
  if (req.headers['upgrade'] !== undefined) req.socket?.once?.('close', over);
  makeRoom(res);
  res.once('close', over);
}
