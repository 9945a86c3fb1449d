import type { Advice } from '../adapters/migration/plan.js';
import type { Mode } from '../types/mode.js';
import { readable } from './readable.js';

/** What the plan said when it last looked. */
export interface PlanView {
  /** The mode the plan wants next; absent at the end of the way. */
  readonly next?: Mode;
  /** Which way `next` is. */
  readonly direction: Advice['direction'];
  /** Whether nothing is in the way. */
  readonly ready: boolean;
  /** Why it is ready; absent if it is not. */
  readonly reason?: string;
  /** What is in the way, a sentence each; the first 8. */
  readonly blockers: readonly string[];
  /** How many blockers there are beyond those in `blockers`. */
  readonly moreBlockers: number;
}

const MAX_BLOCKERS = 8;
const MAX_SENTENCE_CHARACTERS = 200;

export function planView({ next, direction, ready, reason, blockers }: Advice): PlanView {
  return {
    ...(next === undefined ? {} : { next }),
    direction,
    ready,
    ...(reason === undefined ? {} : { reason }),
    blockers: blockers.slice(0, MAX_BLOCKERS).map((text) => readable(text, MAX_SENTENCE_CHARACTERS)),
    moreBlockers: Math.max(0, blockers.length - MAX_BLOCKERS),
  };
}
