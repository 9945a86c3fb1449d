import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const ENTRIES = 'entries';
const SEGMENT = /^(\d{12})\.jsonl$/;

/** Where the parts of a log are. */
export const places = (folder: string) => ({
  /** Which log it is. */
  about: join(folder, 'log.json'),
  /** What the lock of the one writer is beside. */
  writer: join(folder, 'writer'),
  checkpoint: join(folder, 'checkpoint'),
  keys: join(folder, 'keys'),
  /** The file of entries that begins with this one. */
  segment: (start: number) => join(folder, ENTRIES, `${String(start).padStart(12, '0')}.jsonl`),
});

/** Numbers of the first entries of all files of entries, lowest first. */
export async function segmentsIn(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, ENTRIES)).catch((error) => {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  });
  const starts = names.flatMap((name) => SEGMENT.exec(name)?.[1] ?? []);
  return starts.map(Number).sort((a, b) => a - b);
}
