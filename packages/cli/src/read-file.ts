import { readFile } from 'node:fs/promises';
import { UsageError } from './run.js';

/** The text of a file that an option names. Throws a `UsageError` that names both where it cannot be read. */
export const textOf = async (option: string, path: string): Promise<string> =>
  (await bytesIn(option, path)).toString();

/** The same as bytes. */
export async function bytesIn(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as { code?: string };
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new UsageError(`--${option} ${path}: ${why}`);
  }
}
