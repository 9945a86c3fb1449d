import type { Identity } from '../identity/identity.js';
import { signCheckpoint } from './checkpoint.js';
import type { MerkleTree } from './merkle-tree.js';

/** A tree as it was signed. */
export interface SignedHead {
  /** Number of leaves. */
  readonly size: number;
  /** The signed note. */
  readonly checkpoint: string;
}

/** Signs a tree as it stands, for proofs that are handed out at once: those that come while nothing is appended share a signature. */
export class HeadSigner {
  readonly #identity: Identity;
  readonly #origin: string;
  readonly #tree: MerkleTree;
  #last: { readonly size: number; readonly signed: Promise<SignedHead> } | undefined;

  constructor(identity: Identity, origin: string, tree: MerkleTree) {
    this.#identity = identity;
    this.#origin = origin;
    this.#tree = tree;
  }

  /** A signed tree that has this leaf. */
  over(seq: number): Promise<SignedHead> {
    if (this.#last && this.#last.size > seq) return this.#last.signed;
    const { size } = this.#tree;
    const last = { size, signed: this.#sign(size) };
    this.#last = last;
    last.signed.catch(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return last.signed;
  }

  async #sign(size: number): Promise<SignedHead> {
    const root = this.#tree.root(size);
    return { size, checkpoint: await signCheckpoint(this.#identity, { origin: this.#origin, size, root }) };
  }
}
