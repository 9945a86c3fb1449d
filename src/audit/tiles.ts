import type { MerkleTree } from './merkle-tree.js';

/** Hashes in a full tile. */
export const TILE_WIDTH = 256;
/** Heights of the tree that one level of tiles stands for. */
const TILE_HEIGHT = 8;

/** A tile of hashes of C2SP tlog-tiles. */
export interface Tile {
  /** 0: hashes of leaves; 1: of subtrees of 256 leaves, and so on. */
  readonly level: number;
  /** Number within the level. */
  readonly index: number;
  /** Number of hashes, 1 to 256; fewer than 256: a partial tile. */
  readonly width: number;
}

/**
 * Path of a tile below the log (C2SP tlog-tiles): the index in groups of three digits, all but the last behind an `x`; a
 * partial tile ends in `.p/` and its width.
 */
export const tilePath = ({ level, index, width }: Tile): string => `tile/${level}/${indexPath(index, width)}`;

/** Path of the bundle with the entries of the tile of level 0 of this number (C2SP tlog-tiles). */
export const entriesPath = (index: number, width: number): string =>
  `tile/entries/${indexPath(index, width)}`;

function indexPath(index: number, width: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g)!;
  const path = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

/** Tiles of a tree of `size` leaves that one of `old` leaves did not have, partial ones included. Lowest level first. */
export function* newTiles(old: number, size: number): Iterable<Tile> {
  for (let level = 0; ; level++) {
    const [before, now] = [hashesAt(level, old), hashesAt(level, size)];
    if (now === 0) return;
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < now; index++) {
      const width = Math.min(TILE_WIDTH, now - index * TILE_WIDTH);
      if (before < index * TILE_WIDTH + width) yield { level, index, width };
    }
  }
}

const hashesAt = (level: number, size: number): number => Math.floor(size / TILE_WIDTH ** level);

/** The content of a tile: its hashes, 32 bytes each. A view. */
export const tileBytes = (tree: MerkleTree, { level, index, width }: Tile): Uint8Array =>
  tree.hashes(level * TILE_HEIGHT, index * TILE_WIDTH, index * TILE_WIDTH + width);

/** Entries of a bundle, each behind its length as 16 bits, big-endian. */
export function entryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, { length }) => sum + 2 + length, 0));
  let at = 0;
  for (const entry of entries) {
    bytes[at] = entry.length >> 8;
    bytes[at + 1] = entry.length;
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}
