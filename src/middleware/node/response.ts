import type { Headers, HttpResponse, Refusal } from '../../http/decision.js';
import { discardNodeBody } from './body.js';
import { makeRoom } from './listener-room.js';
import type { NodeRequest, NodeResponse } from './types.js';

/** How much of a refused upload is read and thrown away before the connection is cut: 8 MiB. */
const MAX_DISCARDED_BYTES = 8 * 1024 * 1024;

const LISTS = new Set(['Link', 'Access-Control-Expose-Headers', 'WWW-Authenticate']);

/** Lists such as Link are added to; everything else is set. Does nothing once the headers are on their way. */
export function setHeaders(res: NodeResponse, headers: Headers): void {
  if (res.headersSent) return;
  for (const [name, value] of Object.entries(headers)) {
    const present = LISTS.has(name) ? res.getHeader(name) : undefined;
    res.setHeader(name, present === undefined ? value : `${String(present)}, ${value}`);
  }
}

/** Leaves it to the API to answer a refusal: headers are set, and a client that is still sending gets to read what it says. */
export function leaveRefusal(req: NodeRequest, res: NodeResponse, { headers }: Refusal): void {
  setHeaders(res, headers);
  discardNodeBody(req, MAX_DISCARDED_BYTES);
}

/** Sends an answer; `send` writes status and body. A client that is still sending gets to read it. */
export function answerRequest(
  req: NodeRequest,
  res: NodeResponse,
  answer: HttpResponse,
  send: (answer: HttpResponse) => void,
): void {
  setHeaders(res, answer.headers);
  if (!res.headersSent) send(answer);
  discardNodeBody(req, MAX_DISCARDED_BYTES);
}

/**
 * At once if it is closed already: a client may be gone before it is known who it was. `aborted`: it was gone before
 * there was an answer. A response whose connection was handed over to another protocol never closes, so there the connection counts.
 */
export function whenClosed(req: NodeRequest, res: NodeResponse, then: (aborted: boolean) => void): void {
  if (res.closed) {
    then(true);
    return;
  }
  let isOver = false;
  const over = () => {
    if (!isOver) then(!res.writableEnded);
    isOver = true;
  };
  if (req.headers['upgrade'] !== undefined) req.socket?.once?.('close', over);
  makeRoom(res);
  res.once('close', over);
}
