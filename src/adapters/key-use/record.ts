/** Programs of a client that are told apart, routes of each, and hours that are kept: what is more takes the place of the oldest. */
export const MAX_SOFTWARE = 20;
export const MAX_ROUTES = 20;
export const KEPT_HOURS = 7 * 24 + 1;
export const HOUR_MS = 3_600_000;

/** One program that sends the key of a client. Times in ms since 1970. */
export interface SoftwareRecord {
  /** Requests with the key, taken or refused. */
  readonly requests: number;
  readonly firstUse: number;
  readonly lastUse: number;
  /** Network that the last one came from. */
  readonly network?: string;
  /** When each route was last used, by template. */
  readonly routes: Readonly<Record<string, number>>;
}

/** What happened within an hour. */
export interface HourRecord {
  /** Requests that the key let through. */
  readonly key: number;
  /** Envelopes beside keys, in observe mode, that would have been refused. */
  readonly badEnvelopes: number;
  /** These by the id of the error; absent without any. */
  readonly reasons?: Readonly<Record<string, number>>;
}

/** How the key of one client is used. */
export interface KeyUseRecord {
  /** By product and version. */
  readonly software: Readonly<Record<string, SoftwareRecord>>;
  /** By the number of the hour since 1970. */
  readonly hours: Readonly<Record<string, HourRecord>>;
}

export const EMPTY: KeyUseRecord = { software: {}, hours: {} };

/** Both together, as much of it as is kept. */
export function mergedKeyUse(a: KeyUseRecord, b: KeyUseRecord, now: number): KeyUseRecord {
  const oldest = Math.floor(now / HOUR_MS) - KEPT_HOURS + 1;
  const software = merged(a.software, b.software, mergedSoftware);
  const hours = merged(a.hours, b.hours, mergedHour);
  return {
    software: newest(software, MAX_SOFTWARE, ({ lastUse }) => lastUse),
    hours: Object.fromEntries(Object.entries(hours).filter(([hour]) => Number(hour) >= oldest)),
  };
}

function mergedHour(a: HourRecord, b: HourRecord): HourRecord {
  const reasons = merged(a.reasons ?? {}, b.reasons ?? {}, (x, y) => x + y);
  return {
    key: a.key + b.key,
    badEnvelopes: a.badEnvelopes + b.badEnvelopes,
    ...(Object.keys(reasons).length === 0 ? {} : { reasons }),
  };
}

function mergedSoftware(a: SoftwareRecord, b: SoftwareRecord): SoftwareRecord {
  const last = a.lastUse > b.lastUse ? a : b;
  const network = last.network ?? a.network ?? b.network;
  return {
    requests: a.requests + b.requests,
    firstUse: Math.min(a.firstUse, b.firstUse),
    lastUse: last.lastUse,
    ...(network === undefined ? {} : { network }),
    routes: newest(merged(a.routes, b.routes, Math.max), MAX_ROUTES, (time) => time),
  };
}

/** Names come from outside: they are members of a map, never of an object, until all are there. */
function merged<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  join: (a: T, b: T) => T,
): Record<string, T> {
  const all = new Map(Object.entries(a));
  for (const [name, value] of Object.entries(b)) {
    const before = all.get(name);
    all.set(name, before === undefined ? value : join(before, value));
  }
  return Object.fromEntries(all);
}

function newest<T>(all: Readonly<Record<string, T>>, max: number, timeOf: (value: T) => number) {
  const entries = Object.entries(all).sort(([, x], [, y]) => timeOf(y) - timeOf(x));
  return Object.fromEntries(entries.slice(0, max));
}
