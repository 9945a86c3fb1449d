import { urlRedactor } from './redact-url.js';
import { type NameOptions, secretNames } from './secret-names.js';
import { looksSecret, REDACTED } from './secret-values.js';

/** Headers as Node has them: `req.headers`, `res.getHeaders()`. */
export type HeadersLike = Readonly<Record<string, unknown>>;

const everyday = redactor();

/**
 * A copy of the headers with `[redacted]` in the place of credentials: by name (`Authorization`, `Cookie`, `X-API-Key`,
 * whatever contains key, token, secret, session…), by near misses of those names (`Authorization`, `x-api-kye`), and by
 * value (`Bearer …` under any name, keys in the query of a `Referer`). No header makes it throw.
 */
export const redactHeaders = (headers: HeadersLike, options?: NameOptions): Record<string, unknown> =>
  (options ? redactor(options) : everyday)(headers);

function redactor(options?: NameOptions): (headers: HeadersLike) => Record<string, unknown> {
  const isSecretName = secretNames(options);
  const redactUrl = urlRedactor(isSecretName);
  const redactValue = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(redactValue);
    if (typeof value !== 'string') return value;
    if (looksSecret(value)) return REDACTED;
    return isUrl(value) ? redactUrl(value) : value;
  };
  return (headers) =>
    Object.fromEntries(
      Object.entries(headers ?? {}).map(([name, value]) => [
        name,
        value !== undefined && isSecretName(name) ? REDACTED : redactValue(value),
      ]),
    );
}

/** `Referer`, `Location`, `X-Original-URL`, `Link`… */
const isUrl = (value: string): boolean => /^<?(?:[a-z][a-z0-9+.-]*:)?\//i.test(value);
