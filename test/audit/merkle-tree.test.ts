import { describe, expect, test } from '@jest/globals';
import { defaultProvider } from '#provider';
import { leafHash } from '../../src/audit/hash.js';
import { MerkleTree } from '../../src/audit/merkle-tree.js';
import { verifyConsistency, verifyInclusion } from '../../src/audit/verify-proof.js';

const crypto = defaultProvider();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

/**
 * The vectors of the reference implementation of RFC 6962: google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc;
 * the same in transparency-dev/merkle, testonly/constants.go.
 */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const INCLUSION = [
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
] as const;
const CONSISTENCY = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
] as const;

const tree = new MerkleTree(crypto);
for (const leaf of LEAVES) tree.append(bytes(leaf));

/** Straight from the definitions of RFC 6962, section 2.1, over leaf hashes. */
const mth = (leaves: Uint8Array[]): Uint8Array => {
  if (leaves.length === 1) return leaves[0]!;
  const k = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  const parts = [Uint8Array.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k))];
  return crypto.sha256(new Uint8Array(Buffer.concat(parts))) as Uint8Array;
};

describe('vectors of RFC 6962', () => {
  test('the roots of 0 to 8 leaves', () => {
    expect(ROOTS.map((_, size) => hex(tree.root(size)))).toEqual(ROOTS);
  });

  test.each(INCLUSION)('the inclusion proof of leaf %i in %i', (index, size, expected) => {
    const proof = tree.inclusionProof(index, size);
    expect(proof.map(hex)).toEqual(expected);
    expect(verifyInclusion(crypto, tree.leaf(index), index, size, proof, tree.root(size))).toBe(true);
  });

  test.each(CONSISTENCY)('the consistency proof of %i in %i', (old, size, expected) => {
    expect(tree.consistencyProof(old, size).map(hex)).toEqual(expected);
  });
});

describe('trees of up to 40 leaves', () => {
  const SIZE = 40;
  const large = new MerkleTree(crypto);
  const hashes = Array.from({ length: SIZE }, (_, i) => leafHash(crypto, Uint8Array.of(i)));
  for (const hash of hashes) large.appendHash(hash);
  const head = (size: number) => ({ size, root: large.root(size) });

  test('have the roots of the definition', () => {
    for (let size = 1; size <= SIZE; size++)
      expect(hex(large.root(size))).toBe(hex(mth(hashes.slice(0, size))));
  });

  test('every leaf has a proof, which fits no other place, tree or leaf', () => {
    for (let size = 1; size <= SIZE; size++)
      for (let index = 0; index < size; index++) {
        const proof = large.inclusionProof(index, size);
        const holds = (leaf = hashes[index]!, at = index, of = size, by = proof) =>
          verifyInclusion(crypto, leaf, at, of, by, large.root(size));
        expect(holds()).toBe(true);
        expect(holds(leafHash(crypto, Uint8Array.of(200)))).toBe(false);
        if (size > 1) expect(holds(undefined, (index + 1) % size)).toBe(false);
        expect(holds(undefined, size, size)).toBe(false);
        expect(holds(undefined, index, size, [...proof, proof[0] ?? hashes[0]!])).toBe(false);
        if (proof.length > 0) expect(holds(undefined, index, size, proof.slice(1))).toBe(false);
      }
  });

  test('every size is consistent with every later one, and with no other history', () => {
    for (let size = 1; size <= SIZE; size++)
      for (let old = 0; old <= size; old++) {
        const proof = large.consistencyProof(old, size);
        expect(verifyConsistency(crypto, head(old), head(size), proof)).toBe(true);
        const forged = { size: old, root: leafHash(crypto, Uint8Array.of(201)) };
        expect(verifyConsistency(crypto, forged, head(size), proof)).toBe(false);
        if (old > 0)
          expect(verifyConsistency(crypto, head(old), { size, root: forged.root }, proof)).toBe(false);
        if (proof.length > 0)
          expect(verifyConsistency(crypto, head(old), head(size), proof.slice(1))).toBe(false);
        expect(verifyConsistency(crypto, head(old), head(size), [...proof, forged.root])).toBe(false);
      }
    expect(verifyConsistency(crypto, head(3), head(2), [])).toBe(false);
  });
});
