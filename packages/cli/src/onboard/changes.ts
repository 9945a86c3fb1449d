import { Failure } from '../failures.js';
import { contentOf, writeWhole } from '../local/whole-file.js';

/** A file as it is to be. */
export interface Written {
  readonly path: string;
  readonly text: string;
  /** One that is there stays as it is. Default `false`: it is only written where there is none, or the same. */
  readonly isKept?: boolean;
}

/** A file that is changed. */
export interface Change {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
  /** Default 0644. */
  readonly mode?: number;
}

/** A new file. Throws `EXISTS` where another one is in its place. */
export async function created({ path, text, isKept = false }: Written): Promise<Change | undefined> {
  const before = (await contentOf(path))?.toString();
  if (before === text || (before !== undefined && isKept)) return undefined;
  if (before !== undefined) throw new Failure('EXISTS', path);
  return { path, before, after: text };
}

/** Adds lines to the end of a file, but those that are there. */
export async function appended(
  path: string,
  lines: readonly string[],
  mode = 0o644,
): Promise<Change | undefined> {
  const before = (await contentOf(path))?.toString();
  const present = (before ?? '').split('\n').map((line) => line.trim());
  const missing = lines.filter((line) => !present.includes(line));
  if (missing.length === 0) return undefined;
  const start =
    before === undefined || before === '' || before.endsWith('\n') ? (before ?? '') : `${before}\n`;
  return { path, before, after: `${start}${missing.join('\n')}\n`, mode };
}

/** What would be different, as lines of a diff. */
export function diffOf({ path, before, after }: Change): readonly string[] {
  const head = [`--- ${before === undefined ? '/dev/null' : path}`, `+++ ${path}`];
  const old = before === undefined ? [] : before.replace(/\n$/, '').split('\n');
  const now = after.replace(/\n$/, '').split('\n');
  let start = 0;
  while (start < old.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const removed = old.slice(start, old.length - end);
  const addedLines = now.slice(start, now.length - end);
  const at = `@@ -${start + (removed.length > 0 ? 1 : 0)},${removed.length} +${start + 1},${addedLines.length} @@`;
  return [...head, at, ...removed.map((line) => `-${line}`), ...addedLines.map((line) => `+${line}`)];
}

/** Writes all of them, each as a whole. */
export async function write(changes: readonly Change[]): Promise<void> {
  for (const { path, after, mode = 0o644, before } of changes)
    await writeWhole(path, after, before === undefined ? { mode, isNew: true } : {});
}
