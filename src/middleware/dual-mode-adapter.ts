import { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import type { DashboardOptions } from '../dashboard/options.js';
import { expressDashboard, type KoaDashboardOptions, koaDashboard } from './dashboard.js';
import {
  type ExpressMiddleware,
  type ExpressOptions,
  expressMiddleware,
  expressWellKnown,
} from './express/middleware.js';
import {
  type KoaContext,
  type KoaMiddleware,
  type KoaOptions,
  koaMiddleware,
  koaWellKnown,
} from './koa/middleware.js';
import type { NodeRequest, NodeResponse } from './node/types.js';
import { authenticateUpgrade, type UpgradePass, type UpgradeSocket } from './upgrade.js';

/**
 * In front of an API: callers may use their API key or an xLink envelope, as the mode has it.
 *
 * After success `req.auth` (in Koa `ctx.state.auth`) says who it is, and `req.body` (`ctx.request.body`) holds the
 * decrypted payload of an envelope, so handlers need not change. In Koa that is so for JSON; anything else is left to parsers behind,
 * which do nothing where there is a body already. Put it in front of body parsers.
 *
 * `Customer` is inferred from `legacyKeyValidator`; {@link BaseDualModeAdapter.authOf} and {@link AppTypes} hand it on.
 */
export class DualModeAdapter<Customer extends object = object> extends BaseDualModeAdapter<Customer> {
  /** For `app.use()` of Express 4 and 5. Throws `INVALID_OPTION`. */
  middleware<Req extends NodeRequest = NodeRequest, Res extends NodeResponse = NodeResponse>(
    options: ExpressOptions<Req, Res> = {},
  ): ExpressMiddleware {
    return expressMiddleware(this, options as ExpressOptions);
  }

  /** For `app.use()` of Koa 2 and 3. Throws `INVALID_OPTION`. */
  koa<Context extends KoaContext = KoaContext>(options: KoaOptions<Context> = {}): KoaMiddleware {
    return koaMiddleware(this, options);
  }

  /**
   * Answers the routes of the library itself, `/.well-known/xlink.json` and those below `/.well-known/xlink/`, and nothing else. For an
   * adapter that stands below a path or on single routes: callers look for the document at the root of the origin (RFC 8615), so put
   * it there: `app.use(adapter.wellKnown()); app.use('/v1', adapter.middleware());`. Elsewhere `middleware()` does that, too.
   */
  wellKnown(): ExpressMiddleware {
    return expressWellKnown(this);
  }

  /** The same for Koa: `app.use(adapter.koaWellKnown())`. */
  koaWellKnown(): KoaMiddleware {
    return koaWellKnown(this);
  }

  /**
   * For WebSockets and other upgrades, which pass by all middleware. A listener of `upgrade` asks this first:
   *
   * ```ts
   * server.on('upgrade', async (req, socket, head) => {
   *   if (!(await adapter.authenticateUpgrade(req, socket))) return; // refused, answered and closed
   *   sockets.handleUpgrade(req, socket, head, (ws) => sockets.emit('connection', ws, req));
   * });
   * ```
   *
   * `req.auth`, `authOf(req)` and guards work as behind the middleware. A caller proves itself by key, or by an envelope in
   * `Authorization`; what is sent over the connection afterwards is neither sealed nor signed by xLink. Never rejects.
   */
  authenticateUpgrade(req: NodeRequest, socket: UpgradeSocket): Promise<UpgradePass | undefined> {
    return authenticateUpgrade(this, req, socket);
  }

  /**
   * A page that shows the migration while it happens: mode and next gate, adoption, clients, failures. Mount it at a path
   * of its own, in front of {@link DualModeAdapter.middleware}, which would ask browsers for credentials:
   * `app.use('/xlink', adapter.dashboard({ password }))`. It answers everything below that path, and counts from this
   * call on. Throws `INVALID_OPTION`, also if nothing says who may see it.
   */
  dashboard(options: DashboardOptions<NodeRequest>): ExpressMiddleware {
    return expressDashboard(this, options);
  }

  /** The same for Koa, in front of {@link DualModeAdapter.koa}: `app.use(adapter.koaDashboard({ path: '/xlink', password }))`. */
  koaDashboard(options: KoaDashboardOptions): KoaMiddleware {
    return koaDashboard(this, options);
  }
}
