import { pathOf, readingsOf } from '../http/path-readings.js';

/** Path prefixes by whole segments, without regard to case. However many there are, a path is looked up by its own segments. */
export class RouteSet {
  readonly #paths: ReadonlySet<string>;
  readonly #longest: number;

  constructor(routes: readonly string[]) {
    this.#paths = new Set(routes.map(normalized));
    let longest = 0;
    for (const { length } of this.#paths) longest = Math.max(longest, length);
    this.#longest = longest;
  }

  /** Whether a path, as one of its readings, is one of them or below one. */
  has(path: string): boolean {
    if (this.#paths.has(path) || (this.#paths.has('/') && path.startsWith('/'))) return true;
    for (let end = path.indexOf('/', 1); end > 0 && end <= this.#longest; end = path.indexOf('/', end + 1))
      if (this.#paths.has(path.slice(0, end))) return true;
    return false;
  }

  /** Whether all that is below other ones is below these. */
  covers(other: RouteSet): boolean {
    for (const path of other.#paths) if (!this.has(path)) return false;
    return true;
  }
}

/** As routes of an adapter are. */
const normalized = (route: string): string => readingsOf(pathOf(route)).at(-1)!;
