import type { Auth } from '../http/decision.js';
import { sharedByCopies } from '../util/copies.js';

/** Who sent a request, by its request object. Private: `req.auth` can be written by any other library. */
const authenticated = sharedByCopies('auth/1', () => new WeakMap<object, Auth>());

/** Set by the middleware, once per request. */
export const rememberAuth = (request: object, auth: Auth): void => {
  authenticated.set(request, auth);
};

/** What an adapter says about requests; all of it that a type argument of {@link authOf} needs. */
export interface AuthSource<Customer extends object = object> {
  /** How the request was authenticated; `undefined` if it was not. */
  authOf(request: object): Auth<Customer> | undefined;
}

/**
 * Names the adapter of an application, so that `req.auth`, `ctx.state.auth` and {@link authOf} have the type that its
 * validator returns:
 *
 * ```ts
 * declare module '@private.me/xlink' {
 *   interface AppTypes {
 *     adapter: typeof adapter;
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications add to it
export interface AppTypes {}

/** The adapter that {@link AppTypes} names; one of unknown customers, unless it names one. */
type AppAdapter = AppTypes extends { readonly adapter: infer Adapter extends AuthSource }
  ? Adapter
  : AuthSource;

/** `req.auth` (Koa: `ctx.state.auth`), as {@link AppTypes} has it. */
export type AppAuth = NonNullable<ReturnType<AppAdapter['authOf']>>;

/**
 * How the adapter authenticated this request; `undefined` if it did not. The same as `req.auth` right after the adapter
 * ran, and unlike `req.auth` other code cannot write it.
 *
 * The type argument is a claim that is not checked: `authOf<typeof adapter>(req)` has the type of that adapter's
 * validator. `adapter.authOf(req)` needs no claim.
 */
export const authOf = <Adapter extends AuthSource = AppAdapter>(
  request: object,
): ReturnType<Adapter['authOf']> => authenticated.get(request) as ReturnType<Adapter['authOf']>;
