import type { Header } from '../envelope/plaintext.js';

/**
 * Headers that an envelope does not cover: they belong to the connection, describe the body (which is covered by other
 * means), carry the envelope, or are changed on the way by honest proxies.
 */
const NOT_COVERED = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'xlink-envelope',
  'xlink-sealed',
]);

/** Headers that stay readable beside a sealed request, so that those on the way can trace it. They are sealed as well. */
export const READABLE_BESIDE = new Set(['accept', 'baggage', 'traceparent', 'tracestate', 'user-agent']);

/** Headers that change what a request does. Those that an envelope does not cover are taken away before a handler sees them. */
const CHANGES_MEANING =
  /^(cookie|idempotency-key|if-.+|prefer|range|x-http-method|x-http-method-override|x-method-override)$/;

const isCovered = (name: string): boolean => !NOT_COVERED.has(name) && !name.startsWith('x-forwarded-');

/** The headers of a caller that an envelope covers, sorted by name. */
export const coveredFields = (headers: Iterable<readonly [string, string]>): Header[] =>
  [...headers]
    .map(([name, value]): Header => [name.toLowerCase(), value])
    .filter(([name]) => isCovered(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Whether a header must go because nobody vouches for it. `names`: those that the envelope covers. */
export const mustBeRemoved = (name: string, names: ReadonlySet<string>): boolean =>
  CHANGES_MEANING.test(name) && !names.has(name);
