import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it that are not there. Resolves to the first one that was made; to `undefined` if all were there. Where
 * the system lets none be made, as in `/proc`, it rejects with the code of that (`ENOENT`, `EACCES`, `ENOTDIR` …): the recursive `mkdir` of
 * Node never ends there. `mode`: default 0700, for its owner alone.
 */
export async function makeFolder(path: string, mode = 0o700): Promise<string | undefined> {
  const whole = resolve(path);
  const made = await makeOne(whole, mode);
  if (made !== 'no parent') return made ? whole : undefined;
  const parent = dirname(whole);
  const first = await makeFolder(parent, mode);
  const again = await makeOne(whole, mode);
  if (again !== 'no parent') return first ?? (again ? whole : undefined);
  throw Object.assign(new Error(`ENOENT: no folder can be made at ${whole}`), {
    code: 'ENOENT',
    path: whole,
  });
}

async function makeOne(path: string, mode: number): Promise<boolean | 'no parent'> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' && dirname(path) !== path) return 'no parent';
    // Some systems answer what may not be made rather than what is there.
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return false;
    throw error;
  }
}
