import { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { xlinkError } from '../errors/errors.js';
import { adapterOfPart } from '../middleware/adapter-of.js';

/** What applications of the frameworks are seen as, when their adapter is looked for. */
interface Application {
  /** Express 5, and routers in it. */
  readonly router?: unknown;
  /** Express 4. */
  readonly _router?: unknown;
  readonly lazyrouter?: unknown;
  readonly stack?: readonly { readonly handle?: unknown }[];
  /** Koa. */
  readonly middleware?: unknown;
  /** Hono. */
  readonly routes?: unknown;
  /** Fastify. */
  readonly server?: unknown;
  /** Node's server. */
  readonly listeners?: (event: string) => readonly unknown[];
  /** Nest. */
  readonly getHttpServer?: () => unknown;
}

/** The adapter that stands in an application. Throws `INVALID_OPTION` if there is none to be seen. */
export function adapterIn(app: unknown): BaseDualModeAdapter {
  const found = find(app, new Set());
  if (found) return found;
  throw xlinkError('INVALID_OPTION', {
    field: 'adapter',
    hint: 'signedRequest: no adapter is seen in this app. Put it in front of the routes first, or pass it: signedRequest(app, { adapter }).',
  });
}

function find(value: unknown, seen: Set<unknown>): BaseDualModeAdapter | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
    return undefined;
  seen.add(value);
  if (value instanceof BaseDualModeAdapter) return value;
  const own = adapterOfPart(value);
  if (own) return own;
  for (const part of partsOf(value as Application)) {
    const found = find(part, seen);
    if (found) return found;
  }
  return undefined;
}

function partsOf(app: Application): readonly unknown[] {
  const router = app._router ?? (app.lazyrouter ? undefined : app.router); // Express 4 throws at `router`
  const handlers = (app.stack ?? []).map(({ handle }) => handle);
  const middleware = Array.isArray(app.middleware) ? app.middleware : [];
  const routes = Array.isArray(app.routes) ? app.routes.map((route) => route?.handler) : [];
  const listeners = typeof app.listeners === 'function' ? app.listeners('request') : [];
  const nest = typeof app.getHttpServer === 'function' ? app.getHttpServer() : undefined;
  return [router, ...handlers, ...middleware, ...routes, ...listeners, app.server, nest];
}
