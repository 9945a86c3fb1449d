import type { ErrorId } from '@private.me/xlink';
import {
  type ApiAsked,
  type ApiCaller,
  type ApiRoute,
  type ApiRouteBase,
  routeKit,
} from '@private.me/xlink/http-api';
import type { ServerErrorId } from './errors.js';
import type { ServerParts } from './parts.js';
import type { Access } from './roles.js';

export type { AnswerShape, ApiOf } from '@private.me/xlink/http-api';

/** Who asks, as it was found out. */
export type Caller = ApiCaller;

/** What a route is given; everything was validated. */
export type Asked<Params, Query, Body> = ApiAsked<ServerParts, Params, Query, Body>;

/** Members that a route has whatever it takes. */
export type RouteBase = ApiRouteBase<Access, ServerErrorId | ErrorId>;

/** A row of the route table. */
export type Route = ApiRoute<Access, ServerErrorId | ErrorId>;

/** Makes rows: `route`, whose handler is typed by its schemas, and `rawRoute`, which answers by itself. */
export const { route, rawRoute } = routeKit<ServerParts, Access, ServerErrorId | ErrorId>();
