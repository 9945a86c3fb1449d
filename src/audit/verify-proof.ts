import { equalBytes } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { nodeHash, sha256Of } from './hash.js';

/** Whether the leaf with this hash is number `index` of the tree (RFC 9162, section 2.1.3.2). */
export function verifyInclusion(
  crypto: CryptoProvider,
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size))
    return false;
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const node of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(crypto, node, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else hash = nodeHash(crypto, hash, node);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(hash, root);
}

/** A tree as a checkpoint tells it. */
export interface TreeHead {
  /** Number of leaves. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** Whether the new tree begins with the old one (RFC 9162, section 2.1.4.2). Every tree begins with the empty one. */
export function verifyConsistency(
  crypto: CryptoProvider,
  old: TreeHead,
  { size, root }: TreeHead,
  proof: readonly Uint8Array[],
): boolean {
  if (!(Number.isSafeInteger(old.size) && Number.isSafeInteger(size) && old.size >= 0 && old.size <= size))
    return false;
  if (old.size === 0) return proof.length === 0 && equalBytes(old.root, sha256Of(crypto));
  if (old.size === size) return proof.length === 0 && equalBytes(old.root, root);
  const path = isPowerOfTwo(old.size) ? [old.root, ...proof] : [...proof];
  let [fn, sn] = [old.size - 1, size - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  const [first, ...rest] = path;
  if (!first || proof.length === 0) return false;
  let [fr, sr] = [first, first];
  for (const node of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeHash(crypto, node, fr), nodeHash(crypto, node, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = nodeHash(crypto, sr, node);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(fr, old.root) && equalBytes(sr, root);
}

const half = (value: number): number => Math.floor(value / 2);

function isPowerOfTwo(value: number): boolean {
  let power = 1;
  while (power < value) power *= 2;
  return power === value;
}
