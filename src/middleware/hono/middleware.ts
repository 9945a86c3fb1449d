import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import { authenticateFetch } from '../fetch/authenticate.js';
import { wrongFramework } from '../framework-check.js';
import { checkMiddlewareOptions, type MiddlewareOptions } from '../refusal-options.js';

/** The parts of a Hono context that are used. */
export interface HonoContext {
  /** Hono's request, with that of the Fetch standard in `raw`, and the routes that it matched. */
  readonly req: {
    raw: Request;
    readonly routePath?: string;
    readonly matchedRoutes?: readonly { readonly path: string }[];
  };
  /** The response so far; the setter of Hono adds the headers of the one before, unless that was taken away. */
  res: Response | undefined;
  /** What the platform hands over beside the request. */
  readonly env?: unknown;
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
  return async function xlinkAuthentication(c, next) {
    if (!(c?.req?.raw instanceof Request)) wrongFramework(c, next);
    let isServed = false;
    const answer = await authenticateFetch(adapter, {
      request: c.req.raw,
      raw: c,
      remoteAddress: addressIn(c.env),
      onRefusal: onRefusal && ((refusal) => onRefusal(refusal, c)),
      onGuardRefusal: onRefusal,
      route: () => c.req.matchedRoutes?.at(-1)?.path,
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
  };
}

/** @hono/node-server has Node's request in `env`. Elsewhere `addressOf` of the adapter says it. */
function addressIn(env: unknown): string | undefined {
  const { incoming } = (env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress;
}
