import { describe, expect, test } from '@jest/globals';
import { ReplicatedXor } from '../../src/split-channel/replicated-xor.js';
import { subsets } from '../../src/split-channel/subsets.js';

/**
 * The proof by counting: for secrets of a few bits, every secret and every choice of the random pieces is dealt. If each
 * set of `k - 1` shares looks the same, and equally often, for every secret, it says nothing about the secret.
 */
type Deal = (secret: number, random: readonly number[]) => number[][];

/** What one share holds of a construction that is under test. */
const dealer = (
  n: number,
  k: number,
): { deal: Deal; randomPieces: number; combine: (shares: number[], at: number[]) => number } => {
  const xor = new ReplicatedXor(n, k);
  const bytes = (value: number) => Uint8Array.of(value);
  return {
    randomPieces: xor.pieces - 1,
    deal: (secret, random) =>
      xor.deal(xor.split(bytes(secret), random.map(bytes))).map((pieces) => pieces.map(([value]) => value!)),
    combine(flat, at) {
      const pieces: Uint8Array[] = [];
      let next = 0;
      for (const share of at) for (const piece of xor.heldBy(share)) pieces[piece] = bytes(flat[next++]!);
      return xor.combine(pieces)[0]!;
    },
  };
};

/** All lists of `length` values below `base`. */
function* lists(length: number, base: number): Generator<number[]> {
  for (let code = 0; code < base ** length; code++)
    yield Array.from({ length }, (_, at) => Math.floor(code / base ** at) % base);
}

/** For each set of `size` shares: what it shows, and how often, for one secret. */
function viewsOf(deal: Deal, secret: number, randomPieces: number, base: number, n: number, size: number) {
  const views = new Map<string, Map<string, number>>();
  for (const random of lists(randomPieces, base)) {
    const shares = deal(secret, random);
    for (const set of subsets(n, size)) {
      const seen = JSON.stringify(set.map((share) => shares[share]));
      const counts = views.get(String(set)) ?? new Map<string, number>();
      views.set(String(set), counts.set(seen, (counts.get(seen) ?? 0) + 1));
    }
  }
  return views;
}

/** Whether some set of `size` shares looks different for two secrets. */
function leaks(deal: Deal, randomPieces: number, base: number, n: number, size: number): boolean {
  const first = viewsOf(deal, 0, randomPieces, base, n, size);
  for (let secret = 1; secret < base; secret++) {
    const other = viewsOf(deal, secret, randomPieces, base, n, size);
    for (const [set, counts] of first) {
      const others = other.get(set)!;
      if (counts.size !== others.size) return true;
      for (const [seen, count] of counts) if (others.get(seen) !== count) return true;
    }
  }
  return false;
}

const PARAMETERS = [2, 3, 4, 5].flatMap((n) =>
  Array.from({ length: n - 1 }, (_, at) => [at + 2, n] as const),
);
/** Secrets of two bits where that is quick, of one bit elsewhere: XOR treats every bit alike. */
const baseFor = (randomPieces: number): number => (randomPieces <= 5 ? 4 : 2);

describe.each(PARAMETERS)('%d of %d', (k, n) => {
  const { deal, randomPieces, combine } = dealer(n, k);
  const base = baseFor(randomPieces);

  test('every k - 1 shares, and fewer, look the same for every secret', () => {
    for (let size = 1; size < k; size++) expect(leaks(deal, randomPieces, base, n, size)).toBe(false);
  });

  test('every k shares give the secret back, whatever the randomness', () => {
    for (let secret = 0; secret < base; secret++)
      for (const random of lists(randomPieces, base)) {
        const shares = deal(secret, random);
        for (const set of subsets(n, k))
          if (
            combine(
              set.flatMap((share) => shares[share]!),
              set,
            ) !== secret
          )
            throw new Error(`${set} of ${JSON.stringify(shares)} is not ${secret}`);
      }
  });

  test('k shares do not look the same: the proof can tell', () => {
    expect(leaks(deal, randomPieces, base, n, k)).toBe(true);
  });
});

describe('constructions that are broken do not pass the same proof', () => {
  const { deal, randomPieces } = dealer(3, 2);

  test('a random piece that is used twice', () => {
    expect(leaks((secret, [one]) => deal(secret, [one!, one!]), 1, 4, 3, 1)).toBe(true);
  });

  test('a random piece that is not random', () => {
    expect(leaks((secret, [one]) => deal(secret, [one!, 0]), 1, 4, 3, 1)).toBe(true);
  });

  test('one piece too many in one share', () => {
    const generous: Deal = (secret, random) => {
      const shares = deal(secret, random);
      return shares.map((pieces, at) => (at === 0 ? [...pieces, shares[1]![0]!] : pieces));
    };
    expect(leaks(generous, randomPieces, 4, 3, 1)).toBe(true);
  });

  test('a randomness that is biased', () => {
    const biased: Deal = (secret, [one, two]) => deal(secret, [one === 3 ? 2 : one!, two!]);
    expect(leaks(biased, randomPieces, 4, 3, 1)).toBe(true);
  });

  test('XOR with AND instead', () => {
    expect(leaks((secret, [one]) => [[one!], [secret & one!]], 1, 4, 2, 1)).toBe(true);
  });
});
