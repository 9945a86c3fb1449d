import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MerkleTree } from '../../../audit/merkle-tree.js';
import { newTiles, TILE_WIDTH, tileBytes, tilePath } from '../../../audit/tiles.js';
import type { CryptoProvider } from '../../../crypto/provider.js';
import { replaceFile, syncFolderOf } from '../durable-file.js';
import { makeFolder } from '../make-folder.js';

/** Writes the tiles that a tree of `old` leaves did not have. They follow from the entries, so that none needs to be durable. */
export async function writeTiles(folder: string, tree: MerkleTree, old: number, size: number): Promise<void> {
  for (const tile of newTiles(old, size)) {
    const path = join(folder, tilePath(tile));
    await makeFolder(dirname(path));
    await writeFile(path, tileBytes(tree, tile), { mode: 0o600 });
  }
}

/** The tree of the tiles of level 0; `undefined` if they are not all there. Nothing says yet that they are right. */
export async function treeOfTiles(
  folder: string,
  size: number,
  crypto: CryptoProvider,
): Promise<MerkleTree | undefined> {
  const tree = new MerkleTree(crypto);
  for (let index = 0; tree.size < size; index++) {
    const width = Math.min(TILE_WIDTH, size - tree.size);
    const path = join(folder, tilePath({ level: 0, index, width }));
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes?.length !== width * 32) return undefined;
    for (let at = 0; at < width; at++) tree.appendHash(bytes.subarray(at * 32, at * 32 + 32));
  }
  return tree;
}

/** Puts a text in the place of a file, durably. */
export async function replaceText(path: string, text: string): Promise<void> {
  const [file] = await replaceFile(path, [text]);
  await file.close();
  await syncFolderOf(path);
}
