import type { Headers } from '../http/decision.js';
import { joinedHeaders } from './joined-headers.js';

/**
 * What responses to key callers announce in the modes `deprecation` and `xlink-only`. Dates are sent as RFC 9745 and
 * RFC 8594 say.
 */
export interface DeprecationOptions {
  /**
   * Since when API keys are deprecated (RFC 9745). Default: when the mode became `deprecation`, as a {@link SharedMode} keeps it,
   * over restarts and the same on all instances. What no SharedMode keeps (the mode of a route or a client, and that of everything without
   * one) is dated by each process for itself: give `since` then.
   */
  readonly since?: Date;
  /** When they stop working (RFC 8594). Default: not announced. Not before `since`. */
  readonly sunset?: Date;
  /** URL of the page that tells callers how to move. Default: no `Link` and no `X-Migration-Url`. */
  readonly migrationUrl?: string;
}

const EXPOSE = 'Access-Control-Expose-Headers';
const EXPOSED = ['Link', 'X-Deprecated-Auth', 'X-Migration-Url'];

/** Headers on the answer to a caller that used a key although keys are deprecated, and `more` of them. */
export function deprecationHeaders(
  { since, sunset, migrationUrl }: DeprecationOptions,
  more: Headers = {},
): Headers {
  const own = {
    'X-Deprecated-Auth': 'true',
    ...(since ? { Deprecation: `@${Math.floor(since.getTime() / 1000)}` } : {}),
    ...(sunset ? { Sunset: sunset.toUTCString() } : {}),
  };
  const names = ['Deprecation', 'Sunset', ...EXPOSED, ...Object.keys(more)];
  const exposed = { 'Access-Control-Expose-Headers': names.join(', ') };
  const { [EXPOSE]: _, ...migration } = migrationHeaders(migrationUrl);
  return joinedHeaders(own, migration, more, exposed);
}

/** Headers that only say where to read on. */
export const migrationHeaders = (migrationUrl: string | undefined): Headers =>
  migrationUrl === undefined
    ? {}
    : {
        'X-Migration-Url': migrationUrl,
        Link: `<${migrationUrl}>; rel="deprecation"; type="text/html"`,
        'Access-Control-Expose-Headers': EXPOSED.join(', '),
      };
