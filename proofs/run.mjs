// `npm run proofs [-- WORD]`: asks the provers and the model checker everything that the table has, or what has WORD in its
// title. The files that they get stay in proofs/out/ to be read.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { atMostOnce } from './at-most-once.mjs';
import { beginning, deduction, LATE, leakedLater } from './attacker.mjs';
import { toTptp } from './clauses.mjs';
import { EXPECTED } from './rows.mjs';
import { supersede } from './supersede.mjs';
import { table } from './table.mjs';
import { transcriber } from './terms.mjs';
import { checkModel, missingTools, prove } from './tools.mjs';

const OUT = fileURLToPath(new URL('./out/', import.meta.url));

/** What the model checker is asked; the provers are asked all else. */
const STATE_MODELS = [atMostOnce, supersede];

/** Everything that holds in a scenario: what participants do, what the attacker can do, and what would be an attack. */
function theoryOf(model, given) {
  const scenario = { memory: true, broken: [], leaked: [], ...given, transcript: transcriber(given.drop) };
  const { broken, leaked, leakedLater: later } = scenario;
  const protocol = [...beginning(leaked), ...model(scenario)];
  const afterwards = later ? [...leakedLater(later), ...deduction(protocol, broken, LATE)] : [];
  return [...protocol, ...deduction(protocol, broken), ...afterwards];
}

function ask({ title, model, scenario }) {
  const file = `${OUT}${title.replace(/\W+/g, '-')}`;
  if (STATE_MODELS.includes(model)) {
    writeFileSync(`${file}.m`, model(scenario));
    return checkModel(`${file}.m`);
  }
  writeFileSync(`${file}.p`, toTptp(title, theoryOf(model, scenario)));
  return prove(`${file}.p`);
}

/** The first tool must say what is expected, and no other one the opposite. SPASS may run out of time. */
const isAsExpected = ([first, ...others], expected) =>
  first === expected && others.every((verdict) => verdict === expected || verdict === 'undecided');

const missing = missingTools();
if (missing.length > 0) {
  const inCi = process.env.CI === 'true';
  console.log(`${inCi ? 'FAILED' : 'skipped'}: not installed: ${missing.join(', ')} (Debian packages)`);
  process.exit(inCi ? 1 : 0);
}

const { positionals } = parseArgs({ allowPositionals: true });
const rows = table.filter(({ title }) => positionals.every((word) => title.includes(word)));
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);

const started = performance.now();
const totals = Object.fromEntries(Object.keys(EXPECTED).map((type) => [type, 0]));
let failed = 0;
let undecided = 0;
for (const one of rows) {
  const expected = EXPECTED[one.type];
  const began = performance.now();
  const verdicts = await ask(one);
  const took = ((performance.now() - began) / 1000).toFixed(1);
  const isGood = isAsExpected(Object.values(verdicts), expected);
  if (isGood) totals[one.type]++;
  else failed++;
  if (verdicts.SPASS === 'undecided') undecided++;
  const said = Object.entries(verdicts).map(([tool, verdict]) => `${tool} ${verdict}`);
  console.log(
    `${isGood ? 'ok    ' : 'FAILED'} ${one.type.padEnd(8)} ${expected}  ${one.title}  (${said.join(', ')}; ${took} s)`,
  );
}

const seconds = Math.round((performance.now() - started) / 1000);
const counts = Object.entries(totals).map(([type, count]) => `${type} ${count}`);
console.log(`${rows.length - failed} of ${rows.length} as expected: ${counts.join(', ')}; ${seconds} s`);
if (undecided > 0) console.log(`SPASS ran out of time ${undecided} times, where E alone decides`);
process.exitCode = failed === 0 && rows.length > 0 ? 0 : 1;
