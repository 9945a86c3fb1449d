import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TILE_WIDTH } from '../../../audit/tiles.js';
import { FileStoreError } from '../file-store-error.js';

/** What else is in the folder of a log than its entries. */
interface Traces {
  /** Entries that are there, whole. */
  readonly size: number;
  readonly checkpoint: string | undefined;
  /** Names of the data keys. */
  readonly keys: readonly string[];
}

/**
 * Throws `ELOST` for a log of which something else in its folder says that there was more: one has a checkpoint before it has anything else, and
 * entries before tiles and a second data key.
 */
export async function assertNothingLost(folder: string, { size, checkpoint, keys }: Traces): Promise<void> {
  const tiled = await sizeOfTiles(folder);
  if (checkpoint === undefined && (size > 0 || tiled > 0 || keys.length > 0))
    throw lost(folder, 'its checkpoint is missing');
  if (tiled > size) throw lost(folder, `its tiles are of ${tiled} entries, and there are ${size}`);
  if (size === 0 && keys.length > 1) throw lost(folder, 'it has data keys and no entries');
}

/** How many entries the tiles of level 0 are of. */
async function sizeOfTiles(folder: string): Promise<number> {
  const names = await readdir(join(folder, 'tile', '0'), { recursive: true }).catch(() => []);
  return names.reduce((size, name) => Math.max(size, endOf(name)), 0);
}

function endOf(name: string): number {
  const [, index, width] = /^((?:x\d{3}[/\\])*\d{3})(?:\.p[/\\](\d{1,3}))?$/.exec(name) ?? [];
  if (index === undefined) return 0;
  return Number(index.replace(/\D/g, '')) * TILE_WIDTH + Number(width ?? TILE_WIDTH);
}

const lost = (folder: string, what: string): FileStoreError =>
  new FileStoreError(
    'ELOST',
    `${folder}: entries of this log were lost: ${what}. Nothing was changed. Restore the log from a backup`,
  );

/** For a log whose first bad entry is known. */
export const damaged = (folder: string, { seq, fault }: { seq: number; fault: string }): FileStoreError =>
  new FileStoreError(
    fault === 'cut' ? 'ELOST' : 'EDAMAGED',
    `${folder}: entry ${seq} is bad (${fault}). Nothing was changed. Restore the log from a backup`,
  );
