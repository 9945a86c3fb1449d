/** Names that pino's paths can express: exact ones, as Node writes them in `req.headers`. */
const NAMES = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'apikey',
  'x-auth-token',
  'x-access-token',
  'x-csrf-token',
  'xlink-envelope',
  'xlink-session',
];
const PARAMETERS = ['api_key', 'apikey', 'apiKey', 'key', 'token', 'access_token', 'password', 'secret'];

/** Where loggers, and errors of HTTP clients, hold headers and queries. */
const HEADERS = [
  'headers',
  'req.headers',
  'request.headers',
  'res.headers',
  'response.headers',
  'err.config.headers',
];
const QUERIES = ['query', 'req.query', 'request.query'];

const under = (holders: readonly string[], names: readonly string[]): string[] =>
  holders.flatMap((holder) => names.map((name) => `${holder}["${name}"]`));

/**
 * For pino's option `redact`: a second net. It knows exact lower-case names only; what catches near misses, and keys in
 * URLs, are the {@link SERIALIZERS}.
 */
export const REDACT_PATHS: readonly string[] = [
  ...under(HEADERS, NAMES),
  ...under(QUERIES, PARAMETERS),
  'err.body', // body parsers hang the whole body onto the error
];
