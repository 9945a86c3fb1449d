import { expect, test } from '@jest/globals';
import { defaultProvider } from '#provider';
import { MerkleTree } from '../../src/audit/merkle-tree.js';
import { entriesPath, entryBundle, newTiles, tileBytes, tilePath } from '../../src/audit/tiles.js';

// The examples of C2SP tlog-tiles, "Parameters" and "Merkle Tree".
test('paths are those of C2SP tlog-tiles', () => {
  expect(tilePath({ level: 0, index: 1234067, width: 256 })).toBe('tile/0/x001/x234/067');
  expect(tilePath({ level: 2, index: 0, width: 256 })).toBe('tile/2/000');
  expect(entriesPath(273, 112)).toBe('tile/entries/273.p/112');
});

test('a tree of 70,000 has the full and partial tiles of the example', () => {
  const paths = [...newTiles(0, 70_000)].map(tilePath);
  expect(paths).toHaveLength(274 + 2 + 1);
  expect(paths.slice(272)).toEqual([
    'tile/0/272',
    'tile/0/273.p/112',
    'tile/1/000',
    'tile/1/001.p/17',
    'tile/2/000.p/1',
  ]);
});

test('what grew has only the tiles that changed', () => {
  expect([...newTiles(256, 300)].map(tilePath)).toEqual(['tile/0/001.p/44']);
  expect([...newTiles(300, 300)]).toEqual([]);
  expect([...newTiles(510, 512)].map(tilePath)).toEqual(['tile/0/001', 'tile/1/000.p/2']);
});

test('the hash of a full tile is one hash of the level above', () => {
  const crypto = defaultProvider();
  const [tree, full] = [new MerkleTree(crypto), new MerkleTree(crypto)];
  for (let i = 0; i < 600; i++) tree.append(Uint8Array.of(i, i >> 8));
  const bytes = tileBytes(tree, { level: 0, index: 1, width: 256 });
  for (let i = 0; i < 256; i++) full.appendHash(bytes.subarray(i * 32, i * 32 + 32));
  const above = tileBytes(tree, { level: 1, index: 0, width: 2 });
  expect(Buffer.from(above.subarray(32)).equals(full.root())).toBe(true);
});

test('a bundle has each entry behind its length', () => {
  expect([...entryBundle([Uint8Array.of(7, 8), new Uint8Array(300)])].slice(0, 6)).toEqual([
    0, 2, 7, 8, 1, 44,
  ]);
});
