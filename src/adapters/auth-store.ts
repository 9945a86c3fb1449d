import type { Auth, XlinkAuth } from '../http/decision.js';
import { sharedByCopies } from '../util/copies.js';
import { hiddenMember } from '../util/hidden-member.js';
import { copyOf, frozenCopyOf, ownedOf } from './customer.js';

/** What an adapter found out about a request that it let through. */
export interface Admission {
  readonly adapter: object;
  /** Frozen; `undefined` where nothing was authenticated. */
  readonly auth: Auth | undefined;
  /** What the guards behind the adapter need to know. */
  readonly context: unknown;
  /** That of an adapter in front. */
  readonly earlier: Admission | undefined;
}

/** By request object. Nobody else reads or writes it: `req.auth` can be written by any library. */
const admissions = sharedByCopies('admissions/1', () => hiddenMember<Admission>());

/** Set by the middleware, for each object that stands for a request. `auth` is copied. */
export const rememberAdmission = (
  request: object,
  { adapter, auth, context }: Omit<Admission, 'earlier'>,
): void =>
  admissions.set(request, new Kept(adapter, auth && copyOfAuth(auth), context, admissions.get(request)));

const copyOfAuth = (auth: Auth): Auth => (auth.mode === 'xlink' ? copyOfXlink(auth) : copyOf(auth));

/** As {@link copyOfAuth}, of one that was made for whoever is shown it. */
export const ownAuth = (auth: Auth): Auth => (auth.mode === 'xlink' ? copyOfXlink(auth) : ownedOf(auth));

const copyOfXlink = (auth: XlinkAuth): XlinkAuth => ({
  ...auth,
  scopes: [...auth.scopes],
  signedHeaders: [...auth.signedHeaders],
});

/** Frozen when somebody asks: until then nobody has it who could change it. */
class Kept implements Admission {
  readonly adapter: object;
  readonly context: unknown;
  readonly earlier: Admission | undefined;
  #auth: Auth | undefined;

  constructor(adapter: object, auth: Auth | undefined, context: unknown, earlier: Admission | undefined) {
    this.adapter = adapter;
    this.#auth = auth;
    this.context = context;
    this.earlier = earlier;
  }

  get auth(): Auth | undefined {
    if (this.#auth && !Object.isFrozen(this.#auth)) this.#auth = frozenCopyOf(this.#auth);
    return this.#auth;
  }
}

/** By the last adapter that let it through. */
export const admissionOf = (request: object): Admission | undefined => admissions.get(request);

/** How a request was authenticated: by `adapter`, if there is one, else by the last one that did. */
export function authBy(request: object, adapter?: object): Auth | undefined {
  let admission = admissionOf(request);
  while (admission && (!admission.auth || (adapter && admission.adapter !== adapter)))
    admission = admission.earlier;
  return admission?.auth;
}

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
): ReturnType<Adapter['authOf']> => authBy(request) as ReturnType<Adapter['authOf']>;
