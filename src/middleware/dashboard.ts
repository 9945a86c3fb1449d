import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { Dashboard } from '../dashboard/dashboard.js';
import { DASHBOARD_CHECKS, type DashboardOptions } from '../dashboard/options.js';
import type { DashboardRequest } from '../dashboard/request.js';
import { checkOptions, type OptionCheck, requireOption } from '../util/options.js';
import { answerExpress, type ExpressMiddleware } from './express/middleware.js';
import { answerKoa, type KoaContext, type KoaMiddleware } from './koa/middleware.js';
import { incomingBody } from './node/request.js';
import type { BodyHolder, NodeRequest } from './node/types.js';

/** In Koa the path is an option, because `app.use()` takes none. */
export interface KoaDashboardOptions extends DashboardOptions<KoaContext> {
  /** Where it is, such as `/xlink`. `/` behind koa-mount, which takes its prefix off the path. */
  readonly path: string;
}

/** Answers everything at and below the path that it is mounted at. */
export function expressDashboard(
  adapter: BaseDualModeAdapter,
  options: DashboardOptions<NodeRequest>,
): ExpressMiddleware {
  const dashboard = new Dashboard(adapter, options, 'dashboard');
  return function xlinkDashboard(req, res, next) {
    dashboard
      .answer(dashboardRequest(req, targetOf(req), req, [req as BodyHolder]))
      .then((answer) => answerExpress(req, res, answer))
      .catch(next);
  };
}

/** Answers everything at and below `path`, and hands on the rest. */
export function koaDashboard(adapter: BaseDualModeAdapter, options: KoaDashboardOptions): KoaMiddleware {
  checkOptions('koaDashboard', options, { ...DASHBOARD_CHECKS, path: isPath });
  requireOption('koaDashboard', options, 'path');
  const { path, ...rest } = options;
  const prefix = path.replace(/\/+$/, '');
  const dashboard = new Dashboard(adapter, rest, 'koaDashboard');
  return async function xlinkDashboard(ctx, next) {
    const target = targetOf(ctx.req);
    const below = target.startsWith(prefix) ? target.slice(prefix.length) : undefined;
    if (below === undefined || !/^([/?]|$)/.test(below)) return void (await next());
    const bodies = [ctx.request as BodyHolder, ctx.req as BodyHolder];
    answerKoa(ctx, await dashboard.answer(dashboardRequest(ctx.req, below, ctx, bodies)));
  };
}

const isPath: OptionCheck = (value) =>
  typeof value === 'string' && /^\/[^?#]*$/.test(value) ? undefined : 'a path that starts with /';

function dashboardRequest(
  req: NodeRequest,
  target: string,
  raw: unknown,
  bodies: readonly BodyHolder[],
): DashboardRequest {
  const { authorization } = req.headers;
  const { header, readBody } = incomingBody(req, bodies);
  return {
    method: req.method ?? 'GET',
    target,
    authorization: Array.isArray(authorization) ? undefined : authorization,
    raw,
    header,
    readBody,
    parsedBody: bodies
      .map(({ body }) => body)
      .find(
        (body) =>
          typeof body === 'object' && body !== null && !(body instanceof Uint8Array) && req.readableEnded,
      ),
  };
}

/** Routers have taken their prefixes off by now. A target in absolute form (RFC 9112 section 3.2.2) loses its origin. */
const targetOf = ({ url = '/' }: NodeRequest): string => url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
