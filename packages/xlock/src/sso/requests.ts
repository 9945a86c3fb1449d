import type { IncomingMessage, ServerResponse } from 'node:http';
import { isReadable } from '../challenge/challenge.js';
import { XlockError } from '../errors.js';
import { isMembers } from '../util/bytes.js';
import { bodyOf } from '../web/exchange.js';

/** A handler for `node:http`, and middleware of Express: without `next`, what is not for it is answered with 404. */
export type SsoHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** The part of the path below `base`, with its query; `undefined` if it is not below it. A mount of Express cuts `url`, not `originalUrl`. */
export function targetBelow(request: IncomingMessage, base: string): string | undefined {
  const target = (request as { originalUrl?: string }).originalUrl ?? request.url ?? '/';
  if (!target.startsWith(base)) return undefined;
  const rest = target.slice(base.length);
  return /^(\/|\?|$)/.test(rest) ? (rest.startsWith('/') ? rest : `/${rest}`) : undefined;
}

/** Throws `REQUEST_INVALID:ORIGIN` unless a `POST` comes from a page of this origin: browsers say so. */
export function assertOwnPage({ headers }: IncomingMessage, origin: string): void {
  const { origin: from, 'sec-fetch-site': site } = headers;
  if (from !== origin || (site !== undefined && site !== 'same-origin'))
    throw new XlockError('REQUEST_INVALID:ORIGIN');
}

/** The account that a page asks for. Throws `REQUEST_INVALID`. */
export async function userIdIn(request: IncomingMessage): Promise<string> {
  const body = await bodyOf(request);
  const userId = isMembers(body) ? body['userId'] : undefined;
  if (typeof userId !== 'string' || userId.length > 256 || !isReadable(userId.slice(0, 200)))
    throw new XlockError('REQUEST_INVALID', { field: 'userId' });
  return userId;
}

/** A redirect that nobody keeps. */
export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'cache-control': 'no-store', 'content-length': '0' }).end();
}
