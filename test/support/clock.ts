export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const NOON = Date.UTC(2025, 0, 1, 12);

/** A clock that stands still until it is told to move. */
export interface FrozenClock {
  (): number;
  advance(ms: number): void;
  set(time: number): void;
}

export function frozenClock(start = NOON): FrozenClock {
  let now = start;
  return Object.assign(() => now, {
    advance(ms: number) {
      now += ms;
    },
    set(time: number) {
      now = time;
    },
  });
}
