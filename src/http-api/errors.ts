import { TableError, type TableErrorDetails, type TableRow } from '../errors/table-error.js';

/** One error of an HTTP API. */
export type ApiErrorRow = Omit<TableRow, 'category'>;

const row = (status: number, message: string, hint: string): ApiErrorRow => ({ status, message, hint });

/** What every server of this kit refuses with; servers add rows of their own. */
// biome-ignore format: a table reads best with one row per line
export const API_ERRORS = {
  ROUTE_UNKNOWN: row(404, 'There is no such route.', 'GET /openapi.json lists all.'),
  METHOD_NOT_ALLOWED: row(405, 'The route does not have this method.', 'The Allow header lists those it has.'),
  REQUEST_INVALID: row(400, 'The request is not what the route takes.', 'See `field` and `expected`, and GET /openapi.json.'),
  'REQUEST_INVALID:JSON': row(400, 'The body is not JSON in UTF-8.', 'Send JSON, with Content-Type: application/json.'),
  'REQUEST_INVALID:CONTENT_TYPE': row(415, 'The body is not declared as JSON.', 'Send Content-Type: application/json.'),
  'REQUEST_INVALID:TOO_LARGE': row(413, 'The body is larger than the route takes.', 'Send less at a time.'),
  PERMISSION_DENIED: row(403, 'The role of the caller does not include this.', 'GET /v1/me shows what it includes; an admin may give another role.'),
  RATE_LIMITED: row(429, 'Too many requests.', 'Retry-After says when the next one is taken.'),
  SERVER_STOPPING: row(503, 'The server is stopping.', 'Try again, at another instance or in a moment.'),
  STORE_UNAVAILABLE: row(503, 'The store could not be read or written; nothing was acknowledged.', 'The log of the server says why.'),
  INTERNAL: row(500, 'The server failed.', 'The log of the server says why.'),
  TOKEN_UNKNOWN: row(404, 'There is no such token.', 'GET /v1/tokens lists all.'),
  ROLE_UNKNOWN: row(404, 'The DID holds no role.', 'GET /v1/roles lists all.'),
  LAST_ADMIN: row(409, 'Without this one there would be no admin.', 'Make another admin first.'),
} as const satisfies Record<string, ApiErrorRow>;

/** A key of {@link API_ERRORS}: `CODE` or `CODE:SUB_CODE`. */
export type ApiErrorId = keyof typeof API_ERRORS;

/** What may be told beside the row; none of it came from the request. */
export interface ApiErrorDetails extends TableErrorDetails {
  /** What the member `field` of the request must be. */
  readonly expected?: string;
  /** When it is worth trying again, in ms. */
  readonly retryAfterMs?: number;
  /** Methods that the route has. */
  readonly allow?: string;
}

/** An error that a server of this kit answers with: its row, and nothing of its cause. */
export class ApiError<Id extends string = string> extends TableError<Id> {
  /** That of the class. */
  override readonly name: string = 'ApiError';
  /** What may be told beside the row. */
  readonly details: ApiErrorDetails;

  /** `row`: that of `id`, in the table of the server. */
  constructor(id: Id, row: ApiErrorRow, details: ApiErrorDetails = {}) {
    super(id, { ...row, category: 'Api' }, details);
    this.details = details;
  }
}

/** An error of {@link API_ERRORS}. */
export const apiError = (id: ApiErrorId, details?: ApiErrorDetails): ApiError<ApiErrorId> =>
  new ApiError(id, API_ERRORS[id], details);
