import type { Header } from '../envelope/plaintext.js';
import { headerMatcher } from './header-matcher.js';
import { PROXY_HEADERS } from './proxy-headers.js';

/** Headers that belong to the connection, describe the body (which is covered by other means), or carry the envelope. */
const OF_THE_CONNECTION =
  'accept-encoding authorization connection content-encoding content-length content-type expect host keep-alive proxy-authorization proxy-connection te trailer transfer-encoding upgrade xlink-envelope xlink-sealed xlink-session';

/** Headers that no envelope covers, whatever the API: those, and what its proxies set. */
export const NOT_COVERED: readonly string[] = `${OF_THE_CONNECTION} ${PROXY_HEADERS}`.split(' ');

const isUncovered = headerMatcher(NOT_COVERED);

/** Headers that stay readable beside a sealed request, so that those on the way can trace it. They are sealed as well. */
export const READABLE_BESIDE = new Set(['accept', 'baggage', 'traceparent', 'tracestate', 'user-agent']);

/** Headers that change what a request does. Those that an envelope does not cover are taken away before a handler sees them. */
export const CHANGES_MEANING =
  /^(cookie|idempotency-key|if-.+|prefer|range|x-http-method|x-http-method-override|x-method-override)$/;

/** The headers of a caller that an envelope covers, sorted by name. */
export const coveredFields = (headers: Iterable<readonly [string, string]>): Header[] =>
  [...headers]
    .map(([name, value]): Header => [name.toLowerCase(), value])
    .filter(([name]) => !isUncovered(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Whether a header must go because nobody vouches for it. `names`: those that the envelope covers. */
export const mustBeRemoved = (name: string, names: ReadonlySet<string>): boolean =>
  CHANGES_MEANING.test(name) && !names.has(name);
