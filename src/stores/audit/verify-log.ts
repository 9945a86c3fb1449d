import { leafHashOfText } from '../../audit/hash.js';
import { MerkleTree } from '../../audit/merkle-tree.js';
import { nextLink } from '../../audit/record.js';
import type { TreeHead } from '../../audit/verify-proof.js';
import { EMPTY, equalBytes } from '../../crypto/bytes.js';
import type { CryptoProvider, Hmac } from '../../crypto/provider.js';
import { isPromiseLike } from '../../util/awaitable.js';
import { encodeBase64url } from '../../util/base64url.js';
import type { FoundLine, FoundRecord } from './record-text.js';

/**
 * What is wrong with the first bad entry. `damaged`: there is no whole record in its place. `order`: another entry stands there.
 * `edited`: it is not the one that was written. `cut`: it is missing, and so is all behind it. `rewritten`: it differs from what the
 * checkpoint was signed for, though the chain fits: the holder of the key did that.
 */
export type AuditFault = 'damaged' | 'order' | 'edited' | 'cut' | 'rewritten';

/** What {@link AuditLog.verify} and {@link AuditLogReader.verify} found. */
export type AuditVerdict =
  | {
      readonly ok: true;
      /** Entries that are there. */
      readonly size: number;
      /** Of the tree over all of them, 32 bytes. */
      readonly root: Uint8Array;
    }
  | {
      readonly ok: false;
      /** Number of the first bad entry. */
      readonly seq: number;
      /** What is wrong with it. */
      readonly fault: AuditFault;
    };

export interface Expected {
  readonly crypto: CryptoProvider;
  /** Key of the HMAC chain, where it is known. */
  readonly chain?: Hmac | undefined;
  /** The leaves as they must be, as far as they are known. */
  readonly reference?: MerkleTree | undefined;
  /** Trees that the log must contain. */
  readonly heads: readonly TreeHead[];
}

/** Reads a log from its first entry to its last, and stops at the first bad one. `tree`: takes the leaves. */
export async function verifyLog(
  lines: AsyncIterable<FoundLine>,
  expected: Expected,
  tree = new MerkleTree(expected.crypto),
  onLink: (link: Uint8Array) => void = () => {},
): Promise<AuditVerdict> {
  const { crypto, chain, reference } = expected;
  let link: Uint8Array = EMPTY;
  for await (const { records, whole, sound } of lines) {
    const first = tree.size;
    for (const record of records) {
      const { size } = tree;
      if (record.seq !== size) return { ok: false, seq: size, fault: 'order' };
      const leaf = leafHashOfText(crypto, record.leaf);
      if (reference && size < reference.size && !equalBytes(leaf, reference.leaf(size)))
        return {
          ok: false,
          seq: size,
          fault: (await isLinked(chain, link, leaf, record)) ? 'rewritten' : 'edited',
        };
      if (chain) {
        const linking = nextLink(chain, link, leaf);
        link = isPromiseLike(linking) ? await linking : linking;
        if (encodeBase64url(link) !== record.mac) return { ok: false, seq: size, fault: 'edited' };
      }
      tree.appendHash(leaf);
    }
    if (!whole || !sound) return { ok: false, seq: whole ? first : tree.size, fault: 'damaged' };
  }
  onLink(link);
  return compare(tree, expected);
}

async function isLinked(chain: Hmac | undefined, link: Uint8Array, leaf: Uint8Array, { mac }: FoundRecord) {
  return chain !== undefined && encodeBase64url(await nextLink(chain, link, leaf)) === mac;
}

function compare(tree: MerkleTree, { heads, reference }: Expected): AuditVerdict {
  const { size } = tree;
  const needed = Math.max(reference?.size ?? 0, ...heads.map((head) => head.size));
  if (size < needed) return { ok: false, seq: size, fault: 'cut' };
  const wrong = heads.filter((head) => !equalBytes(tree.root(head.size), head.root));
  if (wrong.length > 0) return { ok: false, seq: 0, fault: 'rewritten' };
  return { ok: true, size, root: tree.root() };
}
