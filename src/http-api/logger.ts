import type { Logger } from '../logging/log-observer.js';

/** Levels, the most talkative first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
/** How much of a log is written. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Writes `{"time":…,"level":…,"msg":…,…}` lines; those below the level are left out. */
export function jsonLogger(
  write: (line: string) => void,
  level: LogLevel = 'info',
  clock: () => number = Date.now,
): Logger {
  const least = LOG_LEVELS.indexOf(level);
  const at =
    (own: LogLevel) =>
    (fields: object, msg: string): void => {
      if (LOG_LEVELS.indexOf(own) < least) return;
      write(JSON.stringify({ time: new Date(clock()).toISOString(), level: own, msg, ...fields }));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
