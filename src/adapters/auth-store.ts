import type { Auth } from '../http/decision.js';
import { sharedByCopies } from '../util/copies.js';

/** Who sent a request, by its request object. Private: `req.auth` can be written by any other library. */
const authenticated = sharedByCopies('auth/1', () => new WeakMap<object, Auth>());

/** Set by the middleware, once per request. */
export const rememberAuth = (request: object, auth: Auth): void => {
  authenticated.set(request, auth);
};

/**
 * How the adapter authenticated this request; `undefined` if it did not. The same as `req.auth` right after the adapter
 * ran, and unlike `req.auth` nobody else can write it.
 */
export const authOf = (request: object): Auth | undefined => authenticated.get(request);
