import { concat } from '../../util/bytes.js';
import { sha256 } from '../crypto/primitives.js';
import { u8 } from '../crypto/reader.js';

const leafHash = (leaf: Uint8Array): Uint8Array => sha256(concat(u8(0), leaf));
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(u8(1), left, right));

/** Size of the left part of a tree of so many leaves: the largest power of two below it (RFC 9162 section 2.1). */
function split(size: number): number {
  let left = 1;
  while (left * 2 < size) left *= 2;
  return left;
}

/** Every subtree is computed once: the root of the leaves, and the path of each. */
function build(leaves: readonly Uint8Array[]): { readonly root: Uint8Array; readonly paths: Uint8Array[][] } {
  if (leaves.length === 1) return { root: leafHash(leaves[0]!), paths: [[]] };
  const at = split(leaves.length);
  const left = build(leaves.slice(0, at));
  const right = build(leaves.slice(at));
  return {
    root: nodeHash(left.root, right.root),
    paths: [
      ...left.paths.map((path) => [...path, right.root]),
      ...right.paths.map((path) => [...path, left.root]),
    ],
  };
}

/** The Merkle tree of RFC 9162 section 2.1 over at least one leaf: its root, and the path from each leaf to it. */
export const merkleTree = build;

/** The root that follows from a leaf and its path; `undefined` if the path has another length than that place has. */
export function rootOf(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index >= size) return undefined;
  if (size === 1) return path.length === 0 ? leafHash(leaf) : undefined;
  const sibling = path.at(-1);
  if (!sibling) return undefined;
  const at = split(size);
  const below = path.slice(0, -1);
  if (index < at) {
    const left = rootOf(leaf, index, at, below);
    return left && nodeHash(left, sibling);
  }
  const right = rootOf(leaf, index - at, size - at, below);
  return right && nodeHash(sibling, right);
}
