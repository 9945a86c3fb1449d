import { leafHashOfText } from '../../audit/hash.js';
import { MerkleTree } from '../../audit/merkle-tree.js';
import { nextLink } from '../../audit/record.js';
import { EMPTY } from '../../crypto/bytes.js';
import type { CryptoProvider, Hmac } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/service-errors.js';
import { isPromiseLike } from '../../util/awaitable.js';
import { encodeBase64url } from '../../util/base64url.js';
import type { FoundRecord } from './record-text.js';
import type { SealedBatch } from './sealed-batch.js';

/** The tree of a log that others append to as well: it takes what they wrote once the chain shows that the service did. */
export class LinkedTree {
  readonly tree: MerkleTree;
  readonly #crypto: CryptoProvider;
  readonly #chain: Hmac;
  #link: Uint8Array = EMPTY;

  constructor(crypto: CryptoProvider, chain: Hmac) {
    this.tree = new MerkleTree(crypto);
    this.#crypto = crypto;
    this.#chain = chain;
  }

  /** Where the next entry goes. */
  get end(): { readonly size: number; readonly link: Uint8Array } {
    return { size: this.tree.size, link: this.#link };
  }

  /** The last link as text; empty before the first entry. */
  get mac(): string {
    return encodeBase64url(this.#link);
  }

  /** Takes records that follow. Throws `AUDIT_INVALID` at the first that was not written by a process of the service. */
  async take(records: readonly FoundRecord[]): Promise<void> {
    for (const { seq, leaf, mac } of records) {
      const { size } = this.tree;
      if (seq !== size) throw badEntry(size, 'order');
      const hash = leafHashOfText(this.#crypto, leaf);
      const linking = nextLink(this.#chain, this.#link, hash);
      const link = isPromiseLike(linking) ? await linking : linking;
      if (encodeBase64url(link) !== mac) throw badEntry(size, 'edited');
      this.tree.appendHash(hash);
      this.#link = link;
    }
  }

  /** Takes what this process wrote. */
  add({ leaves, link }: SealedBatch): void {
    for (const leaf of leaves) this.tree.appendHash(leaf);
    this.#link = link;
  }
}

/** What is wrong with the first bad entry. */
export const badEntry = (seq: number, fault: string) =>
  xlinkError('AUDIT_INVALID', {
    field: 'entry',
    hint: `Entry ${seq} is bad (${fault}). Nothing was changed.`,
  });
