// Runs the portable suite in every runtime that can be had here, and compares README's table with what ran.
//   --write      writes the table instead
//   --only=A,B   these runtimes alone
//   --verbose    a line per case
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { bundleForBrowsers, bundleForWorkerd } from './bundle.mjs';
import { versionOf } from './child.mjs';
import { install, installPackage } from './install.mjs';
import { callApiIn, runIn } from './run-in.mjs';
import { RUNTIMES } from './runtimes.mjs';
import { selfTest } from './self-test.mjs';
import { serveSuite } from './server.mjs';
import { cellsOf, differences, writeTable } from './table.mjs';

const LIMIT_MS = 90_000;
const README = new URL('../../README.md', import.meta.url);

const only = process.argv
  .find((arg) => arg.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');
const verbose = process.argv.includes('--verbose');
const inCi = !['', '0', 'false'].includes(process.env.CI ?? '');

const chosen = RUNTIMES.filter(({ name }) => !only || only.includes(name));
const [rows, failures, missing] = [[], [], []];

await selfTest();
const home = installPackage();
const workerScript = await bundleForWorkerd(home);
const server = await serveSuite(await bundleForBrowsers(home));
try {
  for (const runtime of chosen) await test(runtime);
} finally {
  await server.close();
  rmSync(home, { recursive: true, force: true });
}

async function test(runtime) {
  const started = performance.now();
  const say = (verdict, text) => {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${verdict} ${runtime.name} (${seconds} s) ${text}`);
  };
  let [file, version] = [];
  try {
    file = install(runtime);
    version = await versionOf(file);
  } catch (error) {
    missing.push(runtime.name);
    return say('MISSING', error.message);
  }
  try {
    const report = await runIn({ ...runtime, file }, server, { home, workerScript, limitMs: LIMIT_MS });
    if (runtime.kind === 'process')
      report.rows.push(...(await callApiIn({ ...runtime, file, home, limitMs: LIMIT_MS })));
    const failed = report.rows.filter(({ ok }) => !ok);
    for (const { ok, name, detail, ms } of verbose ? report.rows : failed)
      console.log(`  ${ok ? 'ok' : 'FAILED'} ${name} (${ms} ms) ${detail}`);
    if (failed.length > 0) failures.push(runtime.name);
    rows.push(cellsOf(runtime, version, report));
    const verdict = failed.length > 0 ? 'FAILED' : 'ok';
    say(verdict, `${version}: ${report.rows.length - failed.length} of ${report.rows.length}`);
  } catch (error) {
    failures.push(runtime.name);
    say('FAILED', error.message);
  }
}

const page = readFileSync(README, 'utf8');
if (process.argv.includes('--write')) {
  const order = RUNTIMES.map(({ name }) => name);
  writeFileSync(README, writeTable(page, order, rows));
} else {
  const floats = new Set(RUNTIMES.filter(({ from }) => from.program).map(({ name }) => name));
  const wrong = differences(page, rows, floats);
  for (const text of wrong) console.log(text);
  if (wrong.length > 0) failures.push('README');
}
if (missing.length > 0) console.log(`not tested here: ${missing.join(', ')}`);
if (inCi) failures.push(...missing);
process.exitCode = failures.length > 0 ? 1 : 0;
