import { type StoredShare, vouches } from './share-format.js';

/** Shares of one splitting that find each other good, and who of the others lied. */
export interface Agreement {
  /** To put together: at least as many as it takes, each found good by every other one. */
  readonly good: readonly StoredShare[];
  /** Those that were changed. */
  readonly bad: readonly StoredShare[];
}

/**
 * Each way in which shares of one splitting agree, the one with most shares first. There are 9 shares at most, and so 512 subsets.
 *
 * A tag that fails may be the fault of the share that carries it, or of the key in the share that checks it. The key is part of what the tags of its own
 * share are over: where the others find that share good its key is right, and the tag is what was changed.
 */
export function agreements(shares: readonly StoredShare[]): Agreement[] {
  const threshold = shares[0]?.share.threshold ?? Infinity;
  const isFine = matrixOf(shares);
  const fine = (holder: number, other: number) => isFine[holder]![other]!;
  const places = shares.map((_, at) => at);
  const subsets = agreeingSubsets(places, threshold, (a, b) => fine(a, b) && fine(b, a));
  return subsets.map((subset) => {
    const sound = places.filter((one) => subset.every((by) => by === one || fine(by, one)));
    const honest = sound.filter((one) => sound.every((by) => by === one || fine(by, one)));
    const good = honest.length >= threshold ? honest : subset;
    const isBad = (one: number) => !honest.includes(one);
    return { good: good.map((at) => shares[at]!), bad: places.filter(isBad).map((at) => shares[at]!) };
  });
}

/** Whether the row finds the column good. Two that say they are the same share never agree. */
function matrixOf(shares: readonly StoredShare[]): boolean[][] {
  return shares.map((holder) =>
    shares.map((other) => holder.share.index !== other.share.index && vouches(holder, other)),
  );
}

/** Subsets of at least `threshold` in which all agree, and that are part of no larger one; the largest first. */
function agreeingSubsets(
  places: readonly number[],
  threshold: number,
  agree: (a: number, b: number) => boolean,
): number[][] {
  let all: number[][] = [[]];
  for (const place of places)
    all = all.concat(
      all.filter((some) => some.every((one) => agree(one, place))).map((some) => [...some, place]),
    );
  const enough = all.filter(({ length }) => length >= threshold).sort((a, b) => b.length - a.length);
  return enough.filter(
    (some, at) => !enough.slice(0, at).some((larger) => some.every((one) => larger.includes(one))),
  );
}
