import type { SeededRandom } from '../../support/random.js';
import type { Tally } from './tally.js';

/** What is used and what is known about it: made for the stores of two instances, or of one that is opened again and again. */
export interface Model {
  /** Uses the stores once in some way, and holds the answers against what is known. One at a time. */
  step(): Promise<void>;
  /** Once all is well: waits until the stores answer, and holds everything against what is known. */
  settle(): Promise<void>;
}

export interface Surroundings {
  readonly name: string;
  readonly random: SeededRandom;
  readonly tally: Tally;
  /** How long a call may take, with what a busy machine adds. */
  readonly limitMs: number;
}

/** What may be true: one thing, or several, while it is not known what became of a change. */
export class Possible<T> {
  #states: readonly T[];

  constructor(state: T) {
    this.#states = [state];
  }

  /** The change was acknowledged, or else it may have happened or not. */
  change(next: (state: T) => T, isAcknowledged: boolean): void {
    const changed = this.#states.map(next);
    this.#states = isAcknowledged ? changed : distinct([...this.#states, ...changed]);
  }

  /** Only what the predicate is true of can be. */
  keep(isPossible: (state: T, all: readonly T[]) => boolean): void {
    this.#states = this.#states.filter((state) => isPossible(state, this.#states));
  }

  includes(seen: T): boolean {
    const key = JSON.stringify(seen);
    return this.#states.some((state) => JSON.stringify(state) === key);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#states[Symbol.iterator]();
  }

  toString(): string {
    return JSON.stringify(this.#states);
  }
}

const distinct = <T>(states: readonly T[]): T[] => [
  ...new Map(states.map((state) => [JSON.stringify(state), state])).values(),
];

/** Asks until there is an answer. */
export async function answered<T>(
  { tally, limitMs, name }: Surroundings,
  what: string,
  ask: () => Promise<T> | T,
): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await tally.call(`${name} ${what}`, limitMs, ask);
    if (answer) return answer.value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `${name} ${what}: no answer long after the last outage: ${tally.lastRefusals.get(`${name} ${what}`)}`,
  );
}
