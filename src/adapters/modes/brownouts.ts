import { xlinkError } from '../../errors/errors.js';
import type { Headers } from '../../http/decision.js';
import { BROWNOUT_PAGE_PATH } from '../../http/own-routes.js';
import { checkKeys, checkOptions, isDate, requireOption } from '../../util/options.js';

/** A time in which keys are refused, announced beforehand, so that callers who still use one notice while there is a way back. */
export interface Brownout {
  /** First moment at which keys are refused. */
  readonly from: Date;
  /** When keys are accepted again; after `from`. */
  readonly until: Date;
}

/** Throws `INVALID_OPTION` for a member that is neither of the two. */
export const checkBrownoutKeys = (owner: string, value: object): void =>
  checkKeys(owner, value, ['from', 'until']);

/** Whether it is two dates, the first before the second. */
export function isBrownout(value: unknown): value is Brownout {
  const { from, until } = (value ?? {}) as Partial<Brownout>;
  const isDate = (date: unknown) => date instanceof Date && !Number.isNaN(date.getTime());
  return isDate(from) && isDate(until) && from! < until!;
}

/** Announced and running brownouts. */
export class Brownouts {
  #all: Brownout[] = [];

  constructor(all: readonly Brownout[] = []) {
    for (const one of all) this.add(one);
  }

  /** Throws `INVALID_OPTION` unless `from` is before `until`, and that is yet to come. */
  schedule(brownout: Brownout, now: number): void {
    checkOptions('scheduleBrownout', brownout, { from: isDate, until: isDate });
    for (const name of ['from', 'until']) requireOption('scheduleBrownout', brownout, name);
    const { from, until } = brownout;
    const wrong = (text: string) =>
      xlinkError('INVALID_OPTION', {
        field: 'until',
        hint: `scheduleBrownout: until (${until.toISOString()}) ${text}.`,
      });
    if (from >= until) throw wrong(`must be after from (${from.toISOString()})`);
    if (until.getTime() <= now) throw wrong('is over already');
    this.add(brownout);
  }

  add(brownout: Brownout): void {
    this.#all.push(brownout);
    this.#all.sort((a, b) => a.from.getTime() - b.from.getTime());
  }

  active(now: number): Brownout | undefined {
    return this.#all.find(({ from, until }) => from.getTime() <= now && now < until.getTime());
  }

  /** Those that are not over, the next one first. The others stay: a clock that is ahead for a moment ends none. */
  upcoming(now: number): readonly Brownout[] {
    return this.#all.filter(({ until }) => until.getTime() > now);
  }

  /** `X-Xlink-Brownout: from/until` of the running or next one, ISO 8601, and where all of them are listed. */
  announcement(now: number): Headers {
    const next = this.#all.find(({ until }) => until.getTime() > now);
    if (!next) return {};
    return {
      'X-Xlink-Brownout': `${next.from.toISOString()}/${next.until.toISOString()}`,
      Link: `<${BROWNOUT_PAGE_PATH}>; rel="service-doc"; type="text/html"`,
    };
  }
}
