// Runs the tools: two provers on a file of clauses, and a model checker.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** Debian packages, and the command that each is here for. */
const TOOLS = { eprover: 'eprover', spass: 'SPASS', rumur: 'rumur', gcc: 'gcc' };

/** The Debian packages that are missing. */
export const missingTools = () =>
  Object.entries(TOOLS)
    .filter(([, command]) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error)
    .map(([name]) => name);

const run = (command, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    child.on('error', reject);
    child.on('close', (status) => resolve({ output, status }));
  });

/** Seconds of processor time. */
const LIMIT = { eprover: 60, spass: 6 };

/**
 * Both search for a refutation. Which literal they select does not change what they find, but lets the search end on clauses of
 * this kind: the largest one, with a precedence of symbols by their number of arguments.
 */
const PROVERS = {
  E: {
    command: 'eprover',
    args: [
      '-s',
      '--literal-selection-strategy=SelectMaxLComplexAvoidPosPred',
      '-tKBO6',
      '-Garity',
      `--cpu-limit=${LIMIT.eprover}`,
    ],
    verdicts: {
      'status Unsatisfiable': 'found',
      'status Satisfiable': 'holds',
      'status ResourceOut': 'undecided',
    },
  },
  SPASS: {
    command: 'SPASS',
    args: ['-TPTP', '-Sorts=0', '-Select=1', '-PGiven=0', '-PProblem=0', `-TimeLimit=${LIMIT.spass}`],
    verdicts: { 'Proof found': 'found', 'Completion found': 'holds', 'Ran out of time': 'undecided' },
  },
};

async function ask({ command, args, verdicts }, file) {
  const { output } = await run(command, [...args, file]);
  const said = Object.keys(verdicts).find((words) => output.includes(words));
  if (said === undefined) throw new Error(`${command} on ${file}: ${output}`);
  return verdicts[said];
}

/** What each prover says: `found` (an attack), `holds` (the search ended without one), or `undecided` (out of time). */
export async function prove(file) {
  const said = Object.entries(PROVERS).map(async ([name, prover]) => [name, await ask(prover, file)]);
  return Object.fromEntries(await Promise.all(said));
}

/** Explores all states of a Murphi model: `holds`, or `found`, with the trace beside the file. */
export async function checkModel(file) {
  const made = await run('rumur', ['--deadlock-detection', 'off', '--output', `${file}.c`, file]);
  if (made.status !== 0) throw new Error(made.output);
  const built = await run('gcc', [
    '-O1',
    '-march=native',
    '-std=c11',
    '-o',
    `${file}.out`,
    `${file}.c`,
    '-lpthread',
  ]);
  if (built.status !== 0) throw new Error(built.output);
  const { output, status } = await run(`${file}.out`, []);
  if (status !== 0 && !output.includes('at most once')) throw new Error(output);
  writeFileSync(`${file}.txt`, output);
  return { rumur: status === 0 ? 'holds' : 'found' };
}
