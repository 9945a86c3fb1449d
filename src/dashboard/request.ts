import type { Awaitable } from '../util/awaitable.js';
import type { Visitor } from './access.js';

/** A request under the mount of the dashboard. */
export interface DashboardRequest extends Visitor {
  readonly method: string;
  /** Path and query, without the path it is mounted at: `/`, `/?format=json`. */
  readonly target: string;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
  /** At most `maxBytes`; rejects for more. */
  readBody(maxBytes: number): Awaitable<Uint8Array>;
  /** What a parser in front made of the body, if it did. */
  readonly parsedBody?: unknown;
}
