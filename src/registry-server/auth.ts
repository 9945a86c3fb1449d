import { createHash, timingSafeEqual } from 'node:crypto';
import { xlinkError } from '../errors/service-errors.js';
import { answerExpress, type ExpressMiddleware } from '../middleware/express/middleware.js';
import type { NodeRequest } from '../middleware/node/types.js';
import { problemOf } from './responses.js';

/** Fewer characters than that can be guessed. */
const MIN_TOKEN_LENGTH = 16;
/** Below wherever the registry is mounted. */
const PUBLIC = /^(?:\/registry)?\/(?:resolve\/[^/]+|changes)$/;
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Tells whether a request carries the token, in a time that says nothing about it: digests of equal length are compared.
 * Throws `INVALID_OPTION` for a token of fewer than 16 characters, so that an environment variable that is not set does
 * not open the registry to all.
 */
export function tokenCheck(owner: string, field: string, token: string): (req: NodeRequest) => boolean {
  if (typeof token !== 'string' || token.length < MIN_TOKEN_LENGTH || !/^[\x21-\x7e]+$/.test(token))
    throw xlinkError('INVALID_OPTION', {
      field,
      hint: `${owner}: ${field} must be at least ${MIN_TOKEN_LENGTH} characters without spaces; openssl rand -hex 32 makes one.`,
    });
  const wanted = digestOf(token);
  return ({ headers }) => {
    const given = headers['authorization'];
    const [, presented] = BEARER.exec(typeof given === 'string' ? given : '') ?? [];
    return timingSafeEqual(digestOf(presented ?? ''), wanted); // no token is empty
  };
}

/** Whether this needs no token: asking about one DID, or waiting for changes, which name DIDs only to those who know them. */
export const isPublic = (method: string | undefined, path: string): boolean =>
  method === 'OPTIONS' || ((method === 'GET' || method === 'HEAD') && PUBLIC.test(path));

/** The path without its query, below the mount point. */
export const pathOf = (req: NodeRequest): string => (req.url ?? '/').split('?')[0]!;

/**
 * Guards a registry of your own: lookups (`GET …/resolve/:did`) and changes (`GET …/changes`) are public, everything else
 * needs `Authorization: Bearer` with the token. `createRegistryServer` does this by itself. Mount it where the routes are:
 * `app.use('/registry', createRegistryAuthMiddleware(token))`.
 *
 * Throws `INVALID_OPTION` for a token that is missing or shorter than 16 characters.
 */
export function createRegistryAuthMiddleware(token: string): ExpressMiddleware {
  const isAdmin = tokenCheck('createRegistryAuthMiddleware', 'token', token);
  return function xlinkRegistryAuth(req, res, next) {
    if (isPublic(req.method, pathOf(req)) || isAdmin(req)) return next();
    answerExpress(req, res, problemOf(xlinkError('REGISTRATION_FAILED:UNAUTHORIZED')));
  };
}
