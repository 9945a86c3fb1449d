import { subsets } from './subsets.js';
import { xorAll } from './xor.js';

/**
 * Replicated XOR sharing (Ito, Saito and Nishizeki 1987). The secret is the XOR of one piece for every set of `k - 1`
 * shares, all but the last of them random; a share holds the pieces of the sets that it is not in. Any `k` shares hold all
 * pieces, because no set of `k - 1` contains them; any `k - 1` shares miss the piece of their own set, which is as random
 * as the others, so that they say nothing about the secret.
 */
export class ReplicatedXor {
  /** The set that each piece is kept from. */
  readonly #keptFrom: readonly (readonly number[])[];
  readonly #totalShares: number;

  constructor(totalShares: number, threshold: number) {
    this.#totalShares = totalShares;
    this.#keptFrom = [...subsets(totalShares, threshold - 1)];
  }

  /** How many pieces there are; one less is random. */
  get pieces(): number {
    return this.#keptFrom.length;
  }

  /** Numbers of the pieces that a share holds, in rising order. */
  heldBy(share: number): number[] {
    return this.#keptFrom.flatMap((set, piece) => (set.includes(share) ? [] : [piece]));
  }

  /** All pieces, from the secret and `pieces - 1` random byte strings of its length. */
  split(secret: Uint8Array, random: readonly Uint8Array[]): Uint8Array[] {
    return [...random, xorAll([secret, ...random])];
  }

  /** The pieces of each share. */
  deal(pieces: readonly Uint8Array[]): Uint8Array[][] {
    return Array.from({ length: this.#totalShares }, (_, share) =>
      this.heldBy(share).map((piece) => pieces[piece]!),
    );
  }

  /** The secret, from all pieces. */
  combine(pieces: readonly Uint8Array[]): Uint8Array {
    return xorAll(pieces);
  }
}
