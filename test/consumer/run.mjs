// Installs the packed packages as strangers would, and runs what they would write. One line per consumer; exits non-zero
// if any of them fails. With names it runs only those: node test/consumer/run.mjs jest git
// With --pack FOLDER it only packs, and with --from FOLDER it takes what was packed there: packing rebuilds what other tests use.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { packAll } from './kit.mjs';

/** Longest first, as two go on beside each other. */
const SUITES = [
  'literal',
  'plain',
  'jest',
  'bundlers',
  'site',
  'wings',
  'command',
  'typescript',
  'git',
  'papers',
  'tarball',
];
const AT_ONCE = 2;
/** Says which tarball is which. */
const LIST = 'tarballs.json';

const {
  positionals: wanted,
  values: { pack, from },
} = parseArgs({ allowPositionals: true, options: { pack: { type: 'string' }, from: { type: 'string' } } });
const waiting = SUITES.filter((suite) => wanted.length === 0 || wanted.includes(suite));
if (pack) writeFileSync(join(pack, LIST), JSON.stringify(packAll(resolve(pack))));
else if (process.env.XLINK_TARBALLS) await runOne(waiting[0], JSON.parse(process.env.XLINK_TARBALLS));
else {
  const tarballs = from ? readFileSync(join(from, LIST), 'utf8') : JSON.stringify(packAll());
  const env = { ...process.env, XLINK_TARBALLS: tarballs };
  await Promise.all(Array.from({ length: AT_ONCE }, () => runNext(env)));
}

async function runOne(suite, tarballs) {
  const { default: run } = await import(`./${suite}.mjs`);
  await run(tarballs);
}

/** One suite after the other, each in a process of its own, which says what it has to say when it is over. */
async function runNext(env) {
  for (let suite = waiting.shift(); suite; suite = waiting.shift()) {
    const started = performance.now();
    const child = spawn(process.execPath, [import.meta.filename, suite], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = new Promise((resolve) => child.once('close', resolve));
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if ((await exited) !== 0) process.exitCode = 1;
    process.stdout.write(out);
    process.stderr.write(errors);
    console.log(`   ${suite}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
}
