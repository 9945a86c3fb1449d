import type { Logger } from '../logging/log-observer.js';

/** Refusals of strangers that are logged one by one, a minute. */
const LINES_PER_MINUTE = 60;
const MINUTE_MS = 60_000;
/** Kinds that are told apart in a summary: routes and statuses are few. */
const MAX_KINDS = 200;

/** Lines about those whom nobody vouches for: as many as people read, and then one a minute that counts the rest. */
export class RefusalLog {
  readonly #logger: Logger;
  #lines = 0;
  #left = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Whether this one gets a line of its own; if not, it is counted. */
  takes(route: string, status: number): boolean {
    if (!this.#timer) this.#timer = setTimeout(() => this.flush(), MINUTE_MS).unref();
    if (++this.#lines <= LINES_PER_MINUTE) return true;
    const kind = `${route} ${status}`;
    if (this.#left.has(kind) || this.#left.size < MAX_KINDS)
      this.#left.set(kind, (this.#left.get(kind) ?? 0) + 1);
    return false;
  }

  /** Writes the summary, and begins anew. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lines = 0;
    if (this.#left.size === 0) return;
    const refused = Object.fromEntries(this.#left);
    this.#left = new Map();
    this.#logger.warn({ refused }, 'more requests were refused');
  }
}
