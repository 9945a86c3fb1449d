// Installs the packed packages as strangers would, and runs what they would write. One line per consumer; exits non-zero
// if any of them fails. With names it runs only those: node test/consumer/run.mjs jest git
import { packAll } from './kit.mjs';

const SUITES = [
  'plain',
  'jest',
  'typescript',
  'bundlers',
  'tarball',
  'papers',
  'command',
  'git',
  'literal',
  'site',
];

const wanted = process.argv.slice(2);
const tarballs = packAll();
for (const suite of SUITES) {
  if (wanted.length > 0 && !wanted.includes(suite)) continue;
  const started = performance.now();
  const { default: run } = await import(`./${suite}.mjs`);
  await run(tarballs);
  console.log(`   ${suite}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
