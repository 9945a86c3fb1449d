import type { Logger as ObserverLogger } from '@private.me/xlink/logging';

/** Levels, the most talkative first. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** One line of JSON for each thing that happened. */
export type Logger = ObserverLogger;

/** Writes `{"time":…,"level":…,"msg":…,…}` lines; those below the level are left out. */
export function jsonLogger(
  write: (line: string) => void,
  level: Level = 'info',
  clock: () => number = Date.now,
): Logger {
  const least = LEVELS.indexOf(level);
  const at =
    (own: Level) =>
    (fields: object, msg: string): void => {
      if (LEVELS.indexOf(own) < least) return;
      write(JSON.stringify({ time: new Date(clock()).toISOString(), level: own, msg, ...fields }));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
