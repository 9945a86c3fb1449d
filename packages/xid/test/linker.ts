// One who would like to know which identities belong to one person, and has all that services see.

// Jest looks globals up anew each time.
const { abs, cos, exp, imul, log, PI, sqrt } = Math;
const FAR = Number.POSITIVE_INFINITY;

/** Numbers from 0 to 1 that follow from a seed (mulberry32): a run can be repeated. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = imul(state ^ (state >>> 15), 1 | state);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number around 0 with a deviation of 1 (Box and Muller). */
export const normal = (roll: () => number): number => sqrt(-2 * log(1 - roll())) * cos(2 * PI * roll());

function ones(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Keys of persons, eight words each. */
export type Cell = Uint32Array;

/** For how many persons the key that is nearest, bit by bit, is their own. */
export function nearestByBits(a: Cell, b: Cell, roll: () => number): number {
  const persons = a.length / 8;
  let hits = 0;
  for (let u = 0; u < persons; u++) {
    let [best, ties, chosen] = [257, 0, -1];
    for (let v = 0; v < persons; v++) {
      let apart = 0;
      for (let w = 0; w < 8; w++) apart += ones(a[u * 8 + w]! ^ b[v * 8 + w]!);
      if (apart > best) continue;
      ties = apart < best ? 1 : ties + 1;
      best = apart;
      if (roll() * ties < 1) chosen = v;
    }
    if (chosen === u) hits++;
  }
  return hits;
}

const bit = (cell: Cell, person: number, at: number): number =>
  (cell[person * 8 + (at >>> 5)]! >>> (at & 31)) & 1;

/**
 * Learns from one half of the persons, whom it is told, which bits agree more often than for strangers, and finds the other half by that. Resolves
 * to hits among that half.
 */
export function learnedFromBits(a: Cell, b: Cell, roll: () => number): number {
  const persons = a.length / 8;
  const half = persons / 2;
  const weights = Array.from({ length: 256 }, (_, at) => {
    let [own, strange] = [0, 0];
    for (let u = 0; u < half; u++) {
      own += bit(a, u, at) === bit(b, u, at) ? 1 : 0;
      strange += bit(a, u, at) === bit(b, (u + 1) % half, at) ? 1 : 0;
    }
    return (own - strange) / half;
  });
  let hits = 0;
  for (let u = half; u < persons; u++) {
    let [best, chosen] = [-FAR, -1];
    for (let v = half; v < persons; v++) {
      let score = roll() * 1e-9;
      for (let at = 0; at < 256; at++) if (bit(a, u, at) === bit(b, v, at)) score += weights[at]!;
      if (score > best) [best, chosen] = [score, v];
    }
    if (chosen === u) hits++;
  }
  return hits;
}

/** For how many persons what is nearest in a number (a time, a size) is their own; of several it takes any. */
export function nearestByNumber(a: readonly number[], b: readonly number[], roll: () => number): number {
  let hits = 0;
  for (const [u, value] of a.entries()) {
    let [best, ties, chosen] = [FAR, 0, -1];
    for (const [v, other] of b.entries()) {
      const apart = abs(value - other);
      if (apart > best) continue;
      ties = apart < best ? 1 : ties + 1;
      best = apart;
      if (roll() * ties < 1) chosen = v;
    }
    if (chosen === u) hits++;
  }
  return hits;
}

/** Between which numbers of hits chance stays in 99 of 100 runs, of so many attempts that each succeed once in `candidates` (Poisson). */
export function chance(attempts: number, candidates: number): readonly [number, number] {
  const mean = attempts / candidates;
  let [probability, below, low] = [exp(-mean), 0, -1];
  for (let hits = 0; ; hits++) {
    if (hits > 0) probability *= mean / hits;
    below += probability;
    if (low < 0 && below > 0.005) low = hits;
    if (below >= 0.995) return [low, hits];
  }
}
