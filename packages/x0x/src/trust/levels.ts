import { X0xError } from '../errors.js';

/** What a contact may do, from nothing to everything. */
export type TrustLevel = 'blocked' | 'unknown' | 'known' | 'trusted';

const LEVELS: readonly TrustLevel[] = ['blocked', 'unknown', 'known', 'trusted'];

/** 0 for `blocked` up to 3 for `trusted`. */
export const rankOf = (level: TrustLevel): number => LEVELS.indexOf(level);

/** Reads a level, whatever its capitals. Throws `TRUST_LEVEL_UNKNOWN`. */
export function parseTrustLevel(text: unknown): TrustLevel {
  const level = typeof text === 'string' ? text.toLowerCase() : text;
  if (!LEVELS.includes(level as TrustLevel))
    throw new X0xError('TRUST_LEVEL_UNKNOWN', { field: 'trust_level' });
  return level as TrustLevel;
}

/** What the level of a contact becomes when its card is imported: never lower, and a block stays. */
export function levelAfterImport(
  existing: TrustLevel | undefined,
  asked: TrustLevel,
): { readonly level: TrustLevel; readonly ignored: boolean } {
  if (existing === undefined || existing === asked) return { level: asked, ignored: false };
  if (existing === 'blocked' || rankOf(existing) > rankOf(asked)) return { level: existing, ignored: true };
  return { level: asked, ignored: false };
}
