import {
  type AccessStore,
  type ApiErrorId,
  type ApiRoute,
  type RouteKit,
  routeKit,
} from '@private.me/xlink/http-api';
import type { XlockErrorId } from '../errors.js';
import type { XlockVerifier } from '../verifier/verifier.js';
import type { XlockAccess } from './permissions.js';
import type { XlockStorage } from './storage.js';

/** What the routes of the auth server work with: `asked.server`. */
export interface XlockServerParts {
  readonly verifier: XlockVerifier;
  readonly storage: XlockStorage;
  readonly access: AccessStore;
  readonly version: string;
  /** Origin of the approval page; `undefined` without one. */
  readonly page: string | undefined;
  readonly clock: () => number;
  /** In ms since 1970. */
  readonly startedAt: number;
  readonly isStopping: () => boolean;
  /** Aborted when the server stops: who waits for an answer is told so. */
  readonly stopping: AbortSignal;
  /** The OpenAPI document. */
  readonly document: () => object;
  /** Series in the text format of Prometheus, and its media type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly type: string }>;
}

/** Errors that a route may name. */
export type XlockRouteError = ApiErrorId | XlockErrorId;

/** A row of the route table of the auth server. */
export type XlockRoute = ApiRoute<XlockAccess, XlockRouteError>;

const kit: RouteKit<XlockServerParts, XlockAccess, XlockRouteError> = routeKit();

/** A row whose answer is JSON, typed by its schemas: for routes that are mounted, too. */
export const xlockRoute: typeof kit.route = kit.route;

/** A row that answers by itself. */
export const xlockRawRoute: typeof kit.rawRoute = kit.rawRoute;
