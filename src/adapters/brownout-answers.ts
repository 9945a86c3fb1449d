import type { Clock } from '../types/protocol.js';
import type { DeprecationOptions } from './deprecation.js';
import { brownoutCalendar } from './modes/brownout-calendar.js';
import { BROWNOUT_PAGE_POLICY, brownoutPage } from './modes/brownout-page.js';
import type { Brownouts } from './modes/brownouts.js';
import type { OwnAnswer } from './own-answer.js';

/** For how long callers and caches may keep what they were told. */
const CACHE_SECONDS = 3600;

export interface BrownoutAnswersParts {
  readonly brownouts: Brownouts;
  readonly clock: Clock;
  /** The name of the API; absent: it has none. */
  readonly name: string | undefined;
  readonly deprecation: DeprecationOptions;
}

/** What callers are told of brownouts to come, for people and for their calendars. For everybody: it holds no names. */
export class BrownoutAnswers {
  readonly #parts: BrownoutAnswersParts;

  constructor(parts: BrownoutAnswersParts) {
    this.#parts = parts;
  }

  page(): OwnAnswer {
    const { upcoming, text } = this.#now();
    const headers = {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': BROWNOUT_PAGE_POLICY,
      'X-Content-Type-Options': 'nosniff',
    };
    return { status: 200, text: brownoutPage(upcoming, text), headers, cacheSeconds: CACHE_SECONDS };
  }

  calendar(): OwnAnswer {
    const { upcoming, text, now } = this.#now();
    const headers = {
      'Content-Type': 'text/calendar; charset=utf-8',
      'Content-Disposition': 'attachment; filename="brownouts.ics"',
      'X-Content-Type-Options': 'nosniff',
    };
    const calendar = brownoutCalendar(upcoming, new Date(now), text);
    return { status: 200, text: calendar, headers, cacheSeconds: CACHE_SECONDS };
  }

  #now() {
    const { brownouts, clock, name = 'API', deprecation } = this.#parts;
    const now = clock();
    const { sunset, migrationUrl } = deprecation;
    return { now, upcoming: brownouts.upcoming(now), text: { name, sunset, migrationUrl } };
  }
}
