import type { ErrorRow } from '@private.me/xlink';

/** One error of the server: as the rows of `@private.me/xlink`, without their category. */
export type ServerErrorRow = Pick<ErrorRow, 'status' | 'message' | 'hint'>;

const row = (status: number, message: string, hint: string): ServerErrorRow => ({ status, message, hint });

/** What the server itself refuses with. Refusals of identities, envelopes and the registry are those of `@private.me/xlink`. */
// biome-ignore format: a table reads best with one row per line
export const SERVER_ERRORS = {
  ROUTE_UNKNOWN: row(404, 'There is no such route.', 'GET /openapi.json lists all.'),
  METHOD_NOT_ALLOWED: row(405, 'The route does not have this method.', 'The Allow header lists those it has.'),
  REQUEST_INVALID: row(400, 'The request is not what the route takes.', 'See `field` and `expected`, and GET /openapi.json.'),
  'REQUEST_INVALID:JSON': row(400, 'The body is not JSON in UTF-8.', 'Send JSON, with Content-Type: application/json.'),
  'REQUEST_INVALID:CONTENT_TYPE': row(415, 'The body is not declared as JSON.', 'Send Content-Type: application/json.'),
  'REQUEST_INVALID:TOO_LARGE': row(413, 'The body is larger than the route takes.', 'Send less at a time.'),
  PERMISSION_DENIED: row(403, 'The role of the caller does not include this.', 'GET /v1/me shows what it includes; an admin may give another role.'),
  'PERMISSION_DENIED:ENVELOPE_REQUIRED': row(403, 'Only a DID may do this for itself: a token cannot.', 'Send the request as an envelope of the DID.'),
  'PERMISSION_DENIED:ROLE_HOLDER': row(403, 'The DID holds a role: only an admin may change its entry.', 'Ask an admin.'),
  RATE_LIMITED: row(429, 'Too many requests.', 'Retry-After says when the next one is taken.'),
  SERVER_STOPPING: row(503, 'The server is stopping.', 'Try again, at another instance or in a moment.'),
  STORE_UNAVAILABLE: row(503, 'The store could not be read or written; nothing was acknowledged.', 'The log of the server says why.'),
  INTERNAL: row(500, 'The server failed.', 'The log of the server says why.'),
  TOKEN_UNKNOWN: row(404, 'There is no such token.', 'GET /v1/tokens lists all.'),
  ROLE_UNKNOWN: row(404, 'The DID holds no role.', 'GET /v1/roles lists all.'),
  LAST_ADMIN: row(409, 'Without this one there would be no admin.', 'Make another admin first.'),
  MODE_LOCKS_OUT: row(409, 'Tokens would end, and the caller used one.', 'Set xlink-only by an envelope of an admin DID, which shows that one works.'),
  AGENTS_DISABLED: row(404, 'This server holds no keys of agents.', 'Start it with --agent-key-file to let it; who holds a token then signs for them.'),
  AGENT_UNKNOWN: row(404, 'The server holds no keys of this DID.', 'GET /v1/agents lists all.'),
  AGENT_KEY_WRONG: row(500, 'The keys of an agent do not open.', 'Start the server with the key that it was sealed under.'),
  SERVICE_UNKNOWN: row(404, 'There is no service of this name.', 'PUT /v1/services/:name registers one.'),
  ENTRY_UNKNOWN: row(404, 'The DID is not in the registry.', 'Register it first.'),
  PREKEYS_UNKNOWN: row(404, 'The DID has published no prekeys.', 'PUT /v1/prekeys publishes some.'),
  'PREKEYS_UNKNOWN:FULL': row(409, 'More one-time prekeys than the server keeps.', 'Publish fewer: GET /v1/prekeys tells how many are left.'),
} as const satisfies Record<string, ServerErrorRow>;

/** `CODE` or `CODE:SUB_CODE`. */
export type ServerErrorId = keyof typeof SERVER_ERRORS;

/** What may be told beside the row; none of it came from the request. */
export interface ServerErrorDetails {
  /** Which member of the request is wrong. */
  readonly field?: string;
  /** What it must be. */
  readonly expected?: string;
  /** For the operator alone. */
  readonly cause?: unknown;
  /** When it is worth trying again, in ms. */
  readonly retryAfterMs?: number;
  /** Methods that the route has. */
  readonly allow?: string;
}

/** An error of {@link SERVER_ERRORS}. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  /** Row of the table. */
  readonly id: ServerErrorId;
  /** HTTP status. */
  readonly status: number;
  /** What may be told beside the row. */
  readonly details: ServerErrorDetails;

  constructor(id: ServerErrorId, details: ServerErrorDetails = {}) {
    const { message, hint, status } = SERVER_ERRORS[id];
    super(`${message} ${hint}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.id = id;
    this.status = status;
    this.details = details;
  }
}
