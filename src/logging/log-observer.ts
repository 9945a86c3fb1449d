import type { Observer, XlinkEvent } from '../types/events.js';
import type { Clock } from '../types/protocol.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isPromptFunction,
  requireOption,
} from '../util/options.js';
import { tell } from '../util/tell.js';
import { errorFields } from './error-fields.js';
import { type Level, LOGGED_MEMBERS, lineOf } from './event-lines.js';
import { LineLimit } from './line-limit.js';

/** The shape of pino's logger, and of most others: an object with fields, then a message. */
export type Logger = { readonly [L in Level]: (fields: object, message: string) => void };

/** Options of {@link logObserver}. */
export interface LogObserverOptions {
  /**
   * Lines per second for each kind of event and reason, so that a flood of bad requests does not fill the disk. What is
   * left out is counted, and told with the next event. Accepted requests and changes of mode are always written. Default 5.
   */
  readonly linesPerSecond?: number;
  /** Writes client ids and DIDs. Default `true`: a refusal without them does not say who was refused. */
  readonly identities?: boolean;
  /**
   * Writes the messages of causes, cut after 1000 characters. Default `false`, name and code only: messages of database
   * drivers and of your own validator may hold connection strings and keys.
   */
  readonly exposeCauses?: boolean;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** No text in a line is longer: ids of clients are as long as the validator makes them. */
const MAX_TEXT = 256;

/**
 * An observer that writes each event as one line: the event's members under `xlink`, the error of a fault under `err`.
 * `debug` for accepted requests, `info` for refusals and news, `warn` for downgrades, `error` for faults and refusals
 * that were not the caller's fault. Throws `INVALID_OPTION`.
 */
export function logObserver(logger: Logger, options: LogObserverOptions = {}): Observer {
  checkOptions('logObserver', { logger }, { logger: hasMethods('debug', 'info', 'warn', 'error') });
  requireOption('logObserver', { logger }, 'logger');
  checkOptions('logObserver', options, {
    linesPerSecond: integerIn(1, 1_000_000),
    identities: isBoolean,
    exposeCauses: isBoolean,
    clock: isPromptFunction,
  });
  const { linesPerSecond = 5, identities = true, exposeCauses = false, clock = Date.now } = options;
  const limit = new LineLimit(linesPerSecond, clock, (kind, suppressed) =>
    tell(() => logger.warn({ xlink: { type: 'suppressed', kind, suppressed } }, 'xlink: lines left out')),
  );
  return (event) => {
    const { level, message, kind } = lineOf(event);
    if (!limit.take(kind)) return;
    const xlink = fieldsOf(event, identities);
    const err = event.type === 'fault' ? { err: errorFields(event.error, exposeCauses) } : {};
    tell(() => logger[level]({ xlink, ...err }, message));
  };
}

function fieldsOf(event: XlinkEvent, identities: boolean): Record<string, unknown> {
  const fields: Record<string, unknown> = { type: event.type };
  for (const member of LOGGED_MEMBERS[event.type]) {
    const value: unknown = Reflect.get(event, member);
    const isIdentity = member === 'did' || (member === 'client' && typeof value === 'string');
    if (value === undefined || (isIdentity && !identities)) continue;
    fields[member] = typeof value === 'string' ? value.slice(0, MAX_TEXT) : value;
  }
  return fields;
}
