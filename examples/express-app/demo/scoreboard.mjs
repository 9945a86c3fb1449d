import { CAST } from './cast.mjs';

/** Rates are taken over this time. */
const RATE_WINDOW_MS = 3000;

/** @typedef {'api-key' | 'xlink'} Credential */

/** Everything that is shown. */
export class Scoreboard {
  mode = 'hybrid';
  /** 0 to 1. */
  adoption = 0;
  startedAt = Date.now();
  served = 0;
  failed = 0;
  lastFailure = '';
  /** Requests of keys that were refused as they should be: brownouts, and what is too late. */
  turnedAway = 0;
  /** @type {Record<string, number>} */
  calls = { GET: 0, POST: 0, DELETE: 0 };
  /** Findings at the end. @type {string[]} */
  notes = [];
  /** @type {{ name: string, version: import('@private.me/xlink').Version, language?: string, credential: Credential | 'starting' }[]} */
  clients = CAST.map((client) => ({ ...client, credential: 'starting' }));
  /** @type {{ at: number, credential: Credential }[]} */
  #recent = [];

  /** @param {string} method @param {Credential} credential */
  countServed(method, credential) {
    this.served += 1;
    this.calls[method] = (this.calls[method] ?? 0) + 1;
    this.#recent.push({ at: Date.now(), credential });
  }

  countTurnedAway() {
    this.turnedAway += 1;
  }

  /** @param {string} reason */
  countFailed(reason) {
    this.failed += 1;
    this.lastFailure = reason;
  }

  get moved() {
    return this.clients.filter(({ credential }) => credential === 'xlink').length;
  }

  /** Whole percent, and 100 only if there is nothing left. */
  get percent() {
    return Math.floor(this.adoption * 100);
  }

  /** @param {Credential} credential */
  perSecond(credential) {
    const since = Date.now() - RATE_WINDOW_MS;
    this.#recent = this.#recent.filter(({ at }) => at >= since);
    const count = this.#recent.filter((request) => request.credential === credential).length;
    const span = Math.min(RATE_WINDOW_MS, Math.max(1000, Date.now() - this.startedAt));
    return ((1000 * count) / span).toFixed(1);
  }

  /** Minutes and seconds since the start. */
  get clock() {
    const seconds = Math.floor((Date.now() - this.startedAt) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  }
}
