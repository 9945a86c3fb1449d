import { readFile } from 'node:fs/promises';
import { UsageError } from './run.js';

/** The text of a file that an option names. Throws a `UsageError` that names both where it cannot be read. */
export async function textOf(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as { code?: string };
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new UsageError(`--${option} ${path}: ${why}`);
  }
}
