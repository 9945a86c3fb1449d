// Faults that were found once are tested by name: a test's title begins or ends with their ids, as in "[A1] ..." or "... [A1]".
// test/faults.json lists the faults, and says which of them must have a test by now.
import { faults, idsIn, testFiles } from './fault-tags.mjs';

const tested = new Set(testFiles().flatMap(idsIn));

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
