import { API_ERRORS, ApiError, type ApiErrorDetails, type ApiErrorRow } from '@private.me/xlink/http-api';

/** One error of the server: as the rows of `@private.me/xlink`, without their category. */
export type ServerErrorRow = ApiErrorRow;

const row = (status: number, message: string, hint: string): ServerErrorRow => ({ status, message, hint });

/** What the server itself refuses with. Refusals of identities, envelopes and the registry are those of `@private.me/xlink`. */
// biome-ignore format: a table reads best with one row per line
export const SERVER_ERRORS = {
  ...API_ERRORS,
  'PERMISSION_DENIED:ENVELOPE_REQUIRED': row(403, 'Only a DID may do this for itself: a token cannot.', 'Send the request as an envelope of the DID.'),
  'PERMISSION_DENIED:ROLE_HOLDER': row(403, 'The DID holds a role: only an admin may change its entry.', 'Ask an admin.'),
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
export type ServerErrorDetails = ApiErrorDetails;

/** An error of {@link SERVER_ERRORS}. */
export class ServerError extends ApiError<ServerErrorId> {
  override readonly name = 'ServerError';

  constructor(id: ServerErrorId, details: ServerErrorDetails = {}) {
    super(id, SERVER_ERRORS[id], details);
  }
}
