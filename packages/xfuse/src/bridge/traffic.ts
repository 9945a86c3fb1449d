/** A number from 0 to below 1 that follows from a name: FNV-1a with a final mix, which spreads names that differ in one digit, too. */
export function placeOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** The next lower step, or 0. */
export const stepBelow = (steps: readonly number[], ratio: number): number =>
  steps.filter((step) => step < ratio).at(-1) ?? 0;
