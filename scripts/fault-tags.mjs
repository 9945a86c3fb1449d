// Faults that were found once, and the tests that have their ids in a title.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, wings } from './wings.mjs';

/** What test/faults.json lists. */
export const faults = JSON.parse(readFileSync(join(root, 'test/faults.json'), 'utf8'));

/** All files with tests, of the package and its wings. */
export function testFiles() {
  const folders = ['test', ...wings.map((wing) => `${wing}/test`)];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((file) => /\.[cm]?[jt]s$/.test(file) && !file.includes('node_modules'))
      .map((file) => join(root, folder, file)),
  );
}

/** The ids at the beginning or end of a text in a file: `'[A1] ...'`, `'[A1] [A2] ...'`, `'... [A1, A2]'`. */
export function idsIn(file) {
  const source = readFileSync(file, 'utf8');
  const ids = String.raw`(?:\[[A-H]\d{0,2}(?:, ?[A-H]\d{0,2})*\] ?)+`;
  const titles = source.matchAll(new RegExp(`['"\`]${ids}| ${ids}['"\`]`, 'g'));
  return [...titles].flatMap(([found]) => found.match(/[A-H]\d{0,2}/g));
}
