// The objections in docs/threat-model.md: each fault of test/faults.json has one row. One that must have a test by now names the
// files that have it, by its id in a title; another one says that it is open, or names such a file. What is linked exists.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { faults, idsIn } from './fault-tags.mjs';
import { root } from './wings.mjs';

const page = join(root, 'docs/threat-model.md');
const [, objections = ''] = readFileSync(page, 'utf8').split('\n## Objections\n');
const rows = objections
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (#|what could happen) \|/.test(line))
  .map((line) => line.slice(2, -2).split(' | '));

const problems = [
  ...rows.flatMap((row) => missingFiles(row).map((file) => `${row[0]}: ${file} does not exist`)),
  ...rows
    .filter((row) => !isOpen(row) && linksOf(row).length === 0)
    .map(([name]) => `${name}: neither open nor tested`),
  ...faults.flatMap(problemsOf),
];
for (const problem of problems) console.error(`docs/threat-model.md: ${problem}`);
console.log(`${rows.length} objections, ${rows.filter(isOpen).length} of them open`);
process.exitCode = problems.length > 0 ? 1 : 0;

function problemsOf({ id, due }) {
  const own = rows.filter(([name]) => name === id);
  if (own.length !== 1) return [`${id} has ${own.length} rows`];
  const [row] = own;
  if (due && isOpen(row)) return [`${id} has a test, and is said to be open`];
  if (!due && !isOpen(row)) return [`${id} has no test yet, and is not said to be open`];
  const untagged = due ? linksOf(row).filter((file) => existsSync(file) && !idsIn(file).includes(id)) : [];
  return untagged.map((file) => `${id}: no title in ${relative(root, file)} has it`);
}

/** The answer says so itself. */
function isOpen(row) {
  return row.at(-2).startsWith('**Open');
}

/** What the last cell links to, anchors left out. */
function linksOf(row) {
  const targets = [...row.at(-1).matchAll(/\]\(([^)#]+)/g)].map(([, target]) => target);
  return targets.map((target) => resolve(root, 'docs', target));
}

function missingFiles(row) {
  return linksOf(row)
    .filter((file) => !existsSync(file))
    .map((file) => relative(root, file));
}
