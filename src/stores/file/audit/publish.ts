import { realpath, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { verifyCheckpoint } from '../../../audit/checkpoint.js';
import { leafHash } from '../../../audit/hash.js';
import type { MerkleTree } from '../../../audit/merkle-tree.js';
import { entriesPath, entryBundle, newTiles, TILE_WIDTH, tileBytes, tilePath } from '../../../audit/tiles.js';
import { equalBytes } from '../../../crypto/bytes.js';
import type { CryptoProvider } from '../../../crypto/provider.js';
import { xlinkError } from '../../../errors/service-errors.js';
import type { Did } from '../../../types/protocol.js';
import { encodeUtf8 } from '../../../util/utf8.js';
import type { FoundLine } from '../../audit/record-text.js';
import { syncFolderOf } from '../durable-file.js';
import { makeFolder } from '../make-folder.js';
import { bytesOfFile } from '../private-file.js';
import { places } from './places.js';

/** What is published: the log as far as a checkpoint of the service. */
export interface Published {
  readonly crypto: CryptoProvider;
  /** The leaves, compared with the checkpoint. */
  readonly tree: MerkleTree;
  readonly origin: string;
  readonly service: Did;
  readonly size: number;
  readonly checkpoint: string;
}

/**
 * Writes a log as C2SP tlog-tiles lays it out: tiles, entry bundles and, once they are there, the checkpoint. An entry of a bundle is the bytes of
 * a leaf: the sealed record. What is there already stays. Rejects with `AUDIT_INVALID…`.
 */
export async function publishLog(
  lines: AsyncIterable<FoundLine>,
  published: Published,
  folder: string,
): Promise<void> {
  const { tree, size, checkpoint } = published;
  await assertNotAhead(published, folder);
  for (const tile of newTiles(0, size)) await put(join(folder, tilePath(tile)), tileBytes(tree, tile));
  for await (const { index, entries } of bundlesOf(lines, published))
    await put(join(folder, entriesPath(index, entries.length)), entryBundle(entries));
  const path = places(folder).checkpoint;
  await writeFile(`${path}.tmp`, checkpoint, { flush: true });
  await rename(`${path}.tmp`, path);
  await syncFolderOf(path);
}

/** Makes the folder. Whether it is this one, by whatever name. */
export async function isSameFolder(folder: string, made: string): Promise<boolean> {
  await makeFolder(made, 0o777);
  return (await realpath(folder)) === (await realpath(made));
}

/** A published log never gets shorter, and never becomes another one. */
async function assertNotAhead({ crypto, service, origin, size }: Published, folder: string): Promise<void> {
  const there = await bytesOfFile(places(folder).checkpoint);
  if (!there) return;
  const head = await verifyCheckpoint(crypto, there.toString(), service);
  if (head.origin !== origin || head.size > size)
    throw xlinkError('AUDIT_INVALID:CHECKPOINT', {
      hint: `In ${folder} there is a later checkpoint, or another log. Nothing was changed.`,
    });
}

/** The leaves in bundles of 256, the last one of what is left. The files are read a second time: they may have changed meanwhile. */
async function* bundlesOf(lines: AsyncIterable<FoundLine>, { crypto, tree, size }: Published) {
  let entries: Uint8Array[] = [];
  let next = 0;
  for await (const { records } of lines)
    for (const { leaf } of records) {
      if (next === size) return;
      const entry = encodeUtf8(leaf);
      if (!equalBytes(leafHash(crypto, entry), tree.leaf(next)))
        throw xlinkError('AUDIT_INVALID', { hint: `Entry ${next} was changed while it was published.` });
      entries.push(entry);
      next++;
      if (entries.length < TILE_WIDTH && next < size) continue;
      yield { index: Math.floor((next - 1) / TILE_WIDTH), entries };
      entries = [];
    }
  if (next < size) throw xlinkError('AUDIT_INVALID', { hint: `Entry ${next} is missing.` });
}

async function put(path: string, bytes: Uint8Array): Promise<void> {
  const there = await bytesOfFile(path);
  if (there?.equals(bytes)) return;
  await makeFolder(dirname(path), 0o777);
  await writeFile(path, bytes, { flush: true });
}
