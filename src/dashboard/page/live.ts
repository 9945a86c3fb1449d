import type { DashboardSnapshot } from '../snapshot.js';
import { queryOf, view } from './view.js';

/** What the page hears while it is open. */
export interface Listener {
  snapshot(snapshot: DashboardSnapshot): void;
  /** The connection is lost; `since` is when the last figures came, by the clock of this machine. */
  lost(since: number | undefined): void;
  /** The server does not let this page in any more. It is not asked again. */
  refused(): void;
}

const TIME_LIMIT_MS = 10_000;
const FIRST_RETRY_MS = 2000;
const MAX_RETRY_MS = 15_000;

/** Asks for figures again and again, as long as the page is visible. */
export class Live {
  readonly #listener: Listener;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #request: AbortController | undefined;
  #lastSuccess: number | undefined;
  #retryMs = FIRST_RETRY_MS;
  #over = false;

  constructor(listener: Listener) {
    this.#listener = listener;
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#pause();
      else void this.ask();
    });
  }

  #pause(): void {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = undefined;
  }

  /** Now, and then again and again. */
  async ask(): Promise<void> {
    this.#pause();
    if (this.#over || document.hidden) return;
    const request = new AbortController();
    this.#request = request;
    const limit = setTimeout(() => request.abort(), TIME_LIMIT_MS);
    let next: number;
    try {
      const response = await fetch(addressOf(`format=json&${queryOf(view())}`), {
        signal: request.signal,
        cache: 'no-store',
      });
      if (response.status === 401 || response.status === 403) {
        this.#over = true;
        return this.#listener.refused();
      }
      if (!response.ok) throw new Error(String(response.status));
      const snapshot = (await response.json()) as DashboardSnapshot;
      if (this.#request !== request) return; // a newer question is under way
      this.#lastSuccess = Date.now();
      this.#retryMs = FIRST_RETRY_MS;
      this.#listener.snapshot(snapshot);
      next = snapshot.refreshMs;
    } catch {
      if (this.#request !== request) return;
      this.#listener.lost(this.#lastSuccess);
      next = this.#retryMs;
      this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
    } finally {
      clearTimeout(limit);
    }
    this.#timer = setTimeout(() => void this.ask(), next);
  }
}

/** Put together anew: an address with a password in it is not allowed in `fetch`, and any prefix stays. */
export const addressOf = (query: string): string =>
  `${location.origin}${location.pathname}?${query.replace(/&$/, '')}`;
