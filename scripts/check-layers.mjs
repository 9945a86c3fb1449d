// Checks src/ against the house plan. With --self-test it first proves that the rules catch violations.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findViolations } from './layer-rules.mjs';
import { selfTest } from './layer-rules.self-test.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

if (process.argv.includes('--self-test')) console.log(`self-test: ${selfTest()} cases`);

const sources = readSources();
const violations = findViolations(sources, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
for (const { file, line, rule, message } of violations) {
  console.error(`src/${file}:${line}: ${message} [${rule}]`);
}
console.log(`${Object.keys(sources).length} source files, ${violations.length} violations`);
process.exitCode = violations.length > 0 ? 1 : 0;

function readSources() {
  const directory = join(root, 'src');
  if (!existsSync(directory)) return {};
  const files = readdirSync(directory, { recursive: true }).filter((name) => /\.[cm]?[jt]sx?$/.test(name));
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(directory, file), 'utf8')]));
}
