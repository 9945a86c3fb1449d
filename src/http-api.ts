// A kit for HTTP APIs on Node: from one route table come the validator, the OpenAPI document and the page of the documentation.
export {
  AccessStore,
  type Acting,
  type NewToken,
  StoreLost,
  type TokenInfo,
  type TokenWish,
} from './http-api/access.js';
export { type AddressOf, blockOf, forwardedAddress, peerAddress } from './http-api/address.js';
export { type ApiApp, createApiApp, type RequestRates } from './http-api/app.js';
export { AuditTrail, factsOf, type TrailTarget } from './http-api/audit-trail.js';
export { DOCS_HEADERS, docsPage } from './http-api/docs-page.js';
export {
  API_ERRORS,
  ApiError,
  type ApiErrorDetails,
  type ApiErrorId,
  type ApiErrorRow,
  apiError,
} from './http-api/errors.js';
export { apiServer, listenAt } from './http-api/listening.js';
export { jsonLogger, LOG_LEVELS, type LogLevel } from './http-api/logger.js';
export { type DocumentFacts, openApiDocument } from './http-api/openapi.js';
export { PAGE_STYLE } from './http-api/page-style.js';
export { apiProblem, PROBLEM_HEADERS, type Problem, retryAfter } from './http-api/problem.js';
export { readAtMost } from './http-api/read-request.js';
export { ROLES, type Role, type RoleTable, roleAllows, rolePermissions } from './http-api/roles.js';
export {
  type AnswerOf,
  type AnswerShape,
  type ApiAsked,
  type ApiCaller,
  type ApiOf,
  type ApiRoute,
  type ApiRouteBase,
  type AskedOf,
  type RouteKit,
  routeKit,
} from './http-api/route.js';
export { type FoundRoute, RouteFinder } from './http-api/route-finder.js';
export type { FromSchema, Schema } from './http-api/schema.js';
