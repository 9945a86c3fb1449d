import type { CryptoProvider } from '../crypto/provider.js';
import { leafHash, nodeHash, nodeHashOfPair, sha256Of } from './hash.js';
import { HashList } from './hash-list.js';

/**
 * The Merkle tree of RFC 6962, section 2.1, that grows at its end. Keeps the hashes of all complete subtrees: 64 bytes a
 * leaf. Proofs and the roots of earlier sizes follow from them.
 */
export class MerkleTree {
  readonly #crypto: CryptoProvider;
  /** Of each height the hashes of complete subtrees, left to right. */
  readonly #levels: HashList[] = [new HashList()];

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#levels[0]!.length;
  }

  /** Appends a leaf with this data. */
  append(data: Uint8Array): void {
    this.appendHash(leafHash(this.#crypto, data));
  }

  /** Appends a leaf with this hash. */
  appendHash(hash: Uint8Array): void {
    this.#levels[0]!.push(hash);
    for (let height = 0; ; height++) {
      const level = this.#levels[height]!;
      const { length } = level;
      if (length % 2 === 1) return;
      this.#levels[height + 1] ??= new HashList();
      this.#levels[height + 1]!.push(nodeHashOfPair(this.#crypto, level.range(length - 2, length)));
    }
  }

  /** Hash of a leaf: a view, not to be changed or kept. */
  leaf(index: number): Uint8Array {
    return this.#levels[0]!.at(index);
  }

  /** Root of the first `size` leaves; default: of all. 32 bytes. */
  root(size = this.size): Uint8Array {
    return size === 0 ? sha256Of(this.#crypto) : this.#range(0, size).slice();
  }

  /** `PATH(index, D[size])` of RFC 6962, section 2.1.1: nearest the leaf first. */
  inclusionProof(index: number, size = this.size): Uint8Array[] {
    const proof: Uint8Array[] = [];
    let [start, end] = [0, size];
    while (end - start > 1) {
      const middle = start + splitOf(end - start);
      const isLeft = index < middle;
      proof.unshift((isLeft ? this.#range(middle, end) : this.#range(start, middle)).slice());
      [start, end] = isLeft ? [start, middle] : [middle, end];
    }
    return proof;
  }

  /** `PROOF(old, D[size])` of RFC 6962, section 2.1.2. Empty for an `old` of 0 or `size`. */
  consistencyProof(old: number, size = this.size): Uint8Array[] {
    const proof: Uint8Array[] = [];
    if (old === 0 || old === size) return proof;
    let [start, end] = [0, size];
    while (old !== end) {
      const middle = start + splitOf(end - start);
      const isLeft = old <= middle;
      proof.unshift((isLeft ? this.#range(middle, end) : this.#range(start, middle)).slice());
      [start, end] = isLeft ? [start, middle] : [middle, end];
    }
    if (start > 0) proof.unshift(this.#range(start, end).slice());
    return proof;
  }

  /** How many complete subtrees of this height there are. */
  complete(height: number): number {
    return this.#levels[height]?.length ?? 0;
  }

  /** Hashes of complete subtrees of a height, from `start` up to, without, `end`, one behind the other: a view. */
  hashes(height: number, start: number, end: number): Uint8Array {
    return this.#levels[height]!.range(start, end);
  }

  #range(start: number, end: number): Uint8Array {
    const width = end - start;
    const split = splitOf(width);
    if (width === 1 || split * 2 === width) return this.#levels[Math.log2(width)]!.at(start / width);
    return nodeHash(this.#crypto, this.#range(start, start + split), this.#range(start + split, end));
  }
}

/** The largest power of two below `width`. */
function splitOf(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}
