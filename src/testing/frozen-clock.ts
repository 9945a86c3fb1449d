import type { Clock } from '../types/protocol.js';

/** A clock that stands still until it is told to move. */
export interface FrozenClock extends Clock {
  /** The time, in ms since 1970. */
  (): number;
  /** Moves it by so many ms. */
  advance(ms: number): void;
  /** Sets it, in ms since 1970. */
  set(time: number): void;
}

/** Noon of the first of January 2025, in UTC. */
const NOON = Date.UTC(2025, 0, 1, 12);

/** For the option `clock` of agents, adapters and stores. `start`: ms since 1970, default noon of 2025-01-01 in UTC. */
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
