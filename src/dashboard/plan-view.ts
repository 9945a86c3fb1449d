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
  /** What is in the way, a sentence each; the first 8. Clients are one of them: the table says which. */
  readonly blockers: readonly string[];
  /** How many blockers there are beyond those in `blockers`. */
  readonly moreBlockers: number;
}

const MAX_BLOCKERS = 8;
const MAX_SENTENCE_CHARACTERS = 200;

export function planView({ next, direction, ready, reason, blockers }: Advice): PlanView {
  const shown = grouped(blockers);
  return {
    ...(next === undefined ? {} : { next }),
    direction,
    ready,
    ...(reason === undefined ? {} : { reason }),
    blockers: shown.slice(0, MAX_BLOCKERS).map((text) => readable(text, MAX_SENTENCE_CHARACTERS)),
    moreBlockers: Math.max(0, shown.length - MAX_BLOCKERS),
  };
}

/** Several clients are one thing: each of them is in the table, with the same sentence. */
function grouped(blockers: readonly string[]): readonly string[] {
  const rest = blockers.filter((text) => !text.startsWith('client '));
  const clients = blockers.length - rest.length;
  return clients < 2 ? blockers : [...rest, `${clients} clients are not ready`];
}
