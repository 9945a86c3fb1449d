import { subsets } from './subsets.js';
import { xorAll, xorInto } from './xor.js';

/**
 * Replicated XOR sharing (Ito, Saito and Nishizeki 1987). The secret is the XOR of one piece for every set of `k - 1`
 * shares, all but the last of them random; a share holds the pieces of the sets that it is not in. Any `k` shares hold all
 * pieces, because no set of `k - 1` contains them; any `k - 1` shares miss the piece of their own set, which is as random
 * as the others, so that they say nothing about the secret.
 */
export class ReplicatedXor {
  /** How many pieces there are; one less is random. */
  readonly pieces: number;
  readonly #heldBy: readonly (readonly number[])[];

  constructor(totalShares: number, threshold: number) {
    const keptFrom = [...subsets(totalShares, threshold - 1)];
    this.pieces = keptFrom.length;
    this.#heldBy = Array.from({ length: totalShares }, (_, share) =>
      keptFrom.flatMap((set, piece) => (set.includes(share) ? [] : [piece])),
    );
  }

  /** Numbers of the pieces that a share holds, in rising order. */
  heldBy(share: number): readonly number[] {
    return this.#heldBy[share]!;
  }

  /** All pieces, from the secret and `pieces - 1` random byte strings of its length. The secret becomes the last of them. */
  split(secret: Uint8Array, random: readonly Uint8Array[]): Uint8Array[] {
    xorInto(secret, random);
    return [...random, secret];
  }

  /** The pieces of each share. */
  deal(pieces: readonly Uint8Array[]): Uint8Array[][] {
    return this.#heldBy.map((held) => held.map((piece) => pieces[piece]!));
  }

  /** The secret, from all pieces. */
  combine(pieces: readonly Uint8Array[]): Uint8Array {
    return xorAll(pieces);
  }
}
