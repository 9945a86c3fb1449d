import type { SeenLeaf } from '../session/checkpoint/ports.js';

/** Sessions are good for an hour, and what is not signed within another is not compared. */
export const DEFAULT_LEAF_TTL_MS = 7_200_000;
export const MIN_LEAF_TTL_MS = 60_000;
export const MAX_LEAF_TTL_MS = 86_400_000;

/** A leaf as it was kept; what it had not is empty or null. */
export const leafFrom = ({
  answered,
  answer,
  ...kept
}: Pick<SeenLeaf, 'sid' | 'seq' | 'leaf'> & {
  readonly answered: string | null | undefined;
  readonly answer: string | null | undefined;
}): SeenLeaf => ({ ...kept, ...(answered ? { answered } : {}), ...(answer ? { answer } : {}) });
