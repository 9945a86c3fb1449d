// Checks src/ against the house plan, and that wings use only what is published. With --self-test it first proves that
// the rules catch violations.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findViolations } from './layer-rules.mjs';
import { selfTest } from './layer-rules.self-test.mjs';
import { manifestOf } from './manifest.mjs';
import { findWingViolations } from './wing-rules.mjs';
import { root, wings } from './wings.mjs';

if (process.argv.includes('--self-test')) console.log(`self-test: ${selfTest()} cases`);

const manifest = manifestOf(root);
const sources = readSources('', ['src'], 'src/');
let files = Object.keys(sources).length;
const violations = placed('src', findViolations(sources, manifest));
for (const wing of wings) {
  const own = readSources(wing, ['src', 'test']);
  files += Object.keys(own).length;
  const testPackages = Object.keys(manifest.devDependencies);
  violations.push(...placed(wing, findWingViolations(own, manifestOf(join(root, wing)), testPackages)));
}
for (const { file, line, rule, message } of violations)
  console.error(`${file}:${line}: ${message} [${rule}]`);
console.log(`${files} source files, ${violations.length} violations`);
process.exitCode = violations.length > 0 ? 1 : 0;

function placed(folder, found) {
  return found.map((violation) => ({ ...violation, file: `${folder}/${violation.file}` }));
}

/** Texts by path below `folder`, without `prefix`. */
function readSources(folder, places, prefix = '') {
  const files = places
    .filter((place) => existsSync(join(root, folder, place)))
    .flatMap((place) =>
      readdirSync(join(root, folder, place), { recursive: true }).map((name) => `${place}/${name}`),
    )
    .filter((name) => /\.[cm]?[jt]sx?$/.test(name));
  return Object.fromEntries(
    files.map((file) => [file.slice(prefix.length), readFileSync(join(root, folder, file), 'utf8')]),
  );
}
