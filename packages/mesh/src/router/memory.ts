import type { ChannelKind } from '../channel.js';

const FIRST_MS = 30_000;
const LONGEST_MS = 600_000;
const MAX_ENTRIES = 10_000;

interface Failure {
  readonly until: number;
  readonly waitMs: number;
}

/**
 * What failed before: a kind that led nowhere is put behind the others for 30 seconds, and for twice as long each time, ten minutes at most.
 * Holds 10,000 targets; the oldest one goes.
 */
export class RouteMemory {
  readonly #clock: () => number;
  readonly #failures = new Map<string, Failure>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Remembers a failure. */
  failed(target: string, kind: ChannelKind): void {
    const name = `${kind} ${target}`;
    const before = this.#failures.get(name);
    const waitMs = Math.min(LONGEST_MS, before ? before.waitMs * 2 : FIRST_MS);
    this.#failures.delete(name);
    this.#failures.set(name, { until: this.#clock() + waitMs, waitMs });
    if (this.#failures.size <= MAX_ENTRIES) return;
    const [oldest] = this.#failures.keys();
    this.#failures.delete(oldest!);
  }

  /** Forgets failures of a kind: it works. */
  worked(target: string, kind: ChannelKind): void {
    this.#failures.delete(`${kind} ${target}`);
  }

  /** Whether it failed lately. */
  isAvoided(target: string, kind: ChannelKind): boolean {
    const failure = this.#failures.get(`${kind} ${target}`);
    return failure !== undefined && this.#clock() < failure.until;
  }

  /** The kinds, those that failed lately last. */
  order(target: string, kinds: readonly ChannelKind[]): readonly ChannelKind[] {
    const isAvoided = (kind: ChannelKind) => Number(this.isAvoided(target, kind));
    return [...kinds].sort((one, other) => isAvoided(one) - isAvoided(other));
  }
}
