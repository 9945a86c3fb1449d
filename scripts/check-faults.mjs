// Faults that were found once are tested by name: a test's title begins or ends with their ids, as in "[A1] ..." or "... [A1]".
// test/faults.json lists the faults, and says which of them must have a test by now.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, wings } from './wings.mjs';

const faults = JSON.parse(readFileSync(join(root, 'test/faults.json'), 'utf8'));
const tested = new Set(testFiles().flatMap((file) => idsIn(readFileSync(file, 'utf8'))));

const missing = faults.filter(({ id, due }) => due && !tested.has(id));
const toCome = faults.filter(({ id, due }) => !due && !tested.has(id));
const early = faults.filter(({ id, due }) => !due && tested.has(id));
const unknown = [...tested].filter((id) => !faults.some((fault) => fault.id === id));

const list = (some) => some.map(({ id, fault }) => `  ${id}: ${fault}`).join('\n');
if (toCome.length > 0) console.log(`Without a test, and not due yet:\n${list(toCome)}`);
if (missing.length > 0) console.error(`Due, and in no title of a test:\n${list(missing)}`);
if (early.length > 0)
  console.log(`Tested early; "due": true in test/faults.json keeps it so:\n${list(early)}`);
if (unknown.length > 0) console.error(`In a title, and not in test/faults.json: ${unknown.join(', ')}`);
if (missing.length + unknown.length > 0) process.exitCode = 1;
console.log(`${tested.size} of ${faults.length} faults have a test`);

function testFiles() {
  const folders = ['test', ...wings.map((wing) => `${wing}/test`)];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((file) => /\.[cm]?[jt]s$/.test(file) && !file.includes('node_modules'))
      .map((file) => join(root, folder, file)),
  );
}

/** The ids at the beginning or end of a text in the source: `'[A1] ...'`, `'[A1] [A2] ...'`, `'... [A1, A2]'`. */
function idsIn(source) {
  const ids = String.raw`(?:\[[A-H]\d{0,2}(?:, ?[A-H]\d{0,2})*\] ?)+`;
  const titles = source.matchAll(new RegExp(`['"\`]${ids}| ${ids}['"\`]`, 'g'));
  return [...titles].flatMap(([found]) => found.match(/[A-H]\d{0,2}/g));
}
