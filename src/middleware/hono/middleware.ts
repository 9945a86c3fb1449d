import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { Headers, Refusal } from '../../http/decision.js';
import { partOf } from '../adapter-of.js';
import { answerOwnRoute, authenticateFetch, type Exchange } from '../fetch/authenticate.js';
import { nativeIn } from '../fetch/native.js';
import type { Place } from '../fetch/request.js';
import { assertHono } from '../framework-check.js';
import { setHeaders } from '../node/response.js';
import { checkMiddlewareOptions, type MiddlewareOptions } from '../refusal-options.js';

/** The parts of a Hono context that are used. */
export interface HonoContext {
  /** Hono's request, with that of the Fetch standard in `raw`, and the routes that it matched. */
  readonly req: {
    raw: Request;
    readonly path: string;
    readonly routePath?: string;
    readonly matchedRoutes?: readonly { readonly path: string }[];
  };
  /** The response so far; the setter of Hono adds the headers of the one before, unless that was taken away. */
  res: Response | undefined;
  /** What the platform hands over beside the request. */
  readonly env?: unknown;
  /** Sets the status of the response to come. */
  status(code: number): void;
  /** Keeps a value for handlers, which get it by `c.get(key)`. */
  set(key: string, value: unknown): void;
}

/** Middleware for Hono 4, on Node and wherever there is the Fetch standard. */
export type HonoMiddleware = (c: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;

/** Options of {@link honoMiddleware}; `onRefusal` returns the response. */
export type HonoOptions<Context extends HonoContext = HonoContext> = MiddlewareOptions<[c: Context]>;

/**
 * Lets requests through, or answers them, as the adapter decides: `app.use(honoMiddleware(adapter))`, in front of the routes.
 * `c.get('auth')` says who it is, and so does `authOf(c)`. Throws `INVALID_OPTION`.
 */
export function honoMiddleware<Context extends HonoContext = HonoContext>(
  adapter: BaseDualModeAdapter,
  options: HonoOptions<Context> = {},
): HonoMiddleware {
  checkMiddlewareOptions('honoMiddleware', options);
  const onRefusal = options.onRefusal?.bind(options) as HonoOptions['onRefusal'];
  return partOf(adapter, async function xlinkAuthentication(c, next) {
    assertHono('adapter', c, next);
    let isServed = false;
    const answer = await authenticateFetch(adapter, {
      ...exchangeOf(c),
      onRefusal: leftTo(onRefusal, c),
      onGuardRefusal: onRefusal,
      async serve(request, { auth, agentMessage }) {
        isServed = true;
        c.req.raw = request;
        if (auth) c.set('auth', auth);
        if (agentMessage) c.set('agentMessage', agentMessage);
        await next();
        return c.res!;
      },
    });
    if (!isServed) return answer;
    if (answer === c.res) return undefined;
    c.res = undefined;
    c.res = answer;
    return undefined;
  });
}

/**
 * Answers the routes of the library itself, `/.well-known/xlink.json` and those below `/.well-known/xlink/`, and nothing else, for
 * middleware that stands below a path: `app.use(honoWellKnown(adapter))` without a path, where callers look.
 */
export function honoWellKnown(adapter: BaseDualModeAdapter): HonoMiddleware {
  adapter.servesRoot();
  return async function xlinkWellKnown(c, next) {
    assertHono('own routes', c, next);
    const answer = await answerOwnRoute(adapter, exchangeOf(c));
    if (!answer) await next();
    return answer;
  };
}

const exchangeOf = (c: HonoContext): Exchange => ({
  request: c.req.raw,
  raw: c,
  native: nativeIn(c.env),
  place: placeOf(c.req),
  route: () => c.req.matchedRoutes?.at(-1)?.path,
  prepare: prepareIn(c),
});

/** How the API answers a refusal: with its status, unless it says another one. */
export const leftTo = (onRefusal: HonoOptions['onRefusal'], c: HonoContext) =>
  onRefusal &&
  ((refusal: Refusal) => {
    c.status(refusal.status);
    return onRefusal(refusal, c);
  });

/** Hono adds the headers of the response so far to every other that takes its place. */
export const prepareIn =
  (c: HonoContext) =>
  (values: Headers): void => {
    const { headers } = c.res!;
    setHeaders(
      {
        headersSent: false,
        getHeader: (name) => headers.get(name) ?? undefined,
        setHeader: (name, value) => headers.set(name, value),
      },
      values,
    );
  };

/** The pattern that the middleware stands at, such as `/v1/*`; a pattern without a star at its end is that of a single route. */
function placeOf({ routePath = '*', path }: HonoContext['req']): Place {
  const segments = routePath.split('/').filter((segment) => segment !== '');
  if (segments.length > 0 && segments.at(-1) !== '*') return { isOnRoute: true };
  const mount = path.split('/').slice(1, segments.length).join('/');
  return mount === '' ? {} : { mount: `/${mount}` };
}
