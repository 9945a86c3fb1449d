import { copyOf } from '../adapters/customer.js';
import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { Auth, Headers, HttpResponse, InboundRequest } from '../http/decision.js';
import { encodeUtf8 } from '../util/utf8.js';
import { replaceFields } from './node/fields.js';
import { incomingBody } from './node/request.js';
import type { NodeRequest, RequestExtras } from './node/types.js';
import { refusedBy, rememberRequestContext } from './request-context.js';

/** The parts of the connection that Node hands to listeners of `upgrade`. */
export interface UpgradeSocket {
  /** Whether it is over. */
  readonly closed: boolean;
  /** Sends the text and closes it. */
  end(text: string): unknown;
  /** As of Node's emitters. */
  on(event: string, listener: () => void): unknown;
  /** As of Node's emitters. */
  once(event: string, listener: () => void): unknown;
  /** As of Node's emitters. */
  removeListener(event: string, listener: () => void): unknown;
}

/** A request for an upgrade that was let through. */
export interface UpgradePass {
  /** Who it is, as in `req.auth`; absent where `skip` lets the request through. */
  readonly auth?: Auth;
  /** For the response with status 101: what callers with keys are told in `deprecation`. */
  readonly headers: Headers;
}

/** Status of a connection that is handed over (RFC 9110 section 15.2.2). */
const SWITCHING_PROTOCOLS = 101;

/**
 * Asks the adapter about a request for an upgrade. It counts as open until its connection is closed. A refusal is sent, and
 * the connection closed; then there is `undefined`.
 */
export async function authenticateUpgrade(
  adapter: BaseDualModeAdapter,
  req: NodeRequest,
  socket: UpgradeSocket,
): Promise<UpgradePass | undefined> {
  const ignore = () => {}; // a connection that breaks meanwhile has no other listener, and would end the process
  socket.on('error', ignore);
  const decision = await adapter.decide(upgradeRequest(req));
  const status = decision.action === 'answer' ? decision.status : SWITCHING_PROTOCOLS;
  const isGone = socket.closed;
  let refused: XlinkError | undefined; // by a guard
  const over = () => adapter.recordOutcome(refusedBy(decision, refused), undefined, status, isGone);
  if (isGone) over();
  else socket.once('close', over);
  if (decision.action === 'answer') {
    socket.end(textOf(decision));
    return undefined;
  }
  socket.removeListener('error', ignore);
  if (isGone) return undefined;
  const { auth, message, headers } = decision;
  rememberRequestContext(adapter, [req], decision, {
    onRefused(error) {
      refused ??= error;
    },
  });
  if (auth) Object.assign(req, { auth: copyOf(auth) });
  if (message) Object.assign(req, { agentMessage: message });
  replaceFields(req, decision);
  return { headers, ...(auth ? { auth } : {}) };
}

/**
 * What follows its head belongs to the protocol that is asked for: there is no body. It is no preflight either, for no browser asks for one
 * to upgrade: what looks like one has to prove itself as all others.
 */
function upgradeRequest(req: NodeRequest): InboundRequest {
  const { header, lines, hasBody, remoteAddress, isBodyGone } = incomingBody(req);
  return {
    method: req.method ?? 'GET',
    target: (req as RequestExtras).originalUrl ?? req.url ?? '/',
    raw: req,
    hasBody,
    remoteAddress,
    lines,
    isBodyGone,
    header: (name) => (name === 'access-control-request-method' ? undefined : header(name)),
    openBody: () => undefined,
    readBody: () => Promise.reject(xlinkError('ENVELOPE_FORM_NOT_ALLOWED', { field: 'payload' })),
  };
}

function textOf({ status, headers, body }: HttpResponse): string {
  const length = { 'Content-Length': String(encodeUtf8(body).length), Connection: 'close' };
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} \r\n${lines.join('')}\r\n${body}`;
}
