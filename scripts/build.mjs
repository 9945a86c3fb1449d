// Builds dist/esm with tsc, and dist/cjs as one-line wrappers around it.
// Wrappers, not a second compilation: `require` and `import` then share one instance of every class and cache.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import buildPage from './build-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

rmSync(join(root, 'dist'), { recursive: true, force: true });
await buildPage();
compile();
dropSourceMap('dist/esm/dashboard/page/bundle.js');
copyDeclarations();
for (const target of requireTargets()) writeWrapper(target);
writeCjsManifest();
assertAllExist();
console.log(`built ${Object.keys(manifest.exports).length} exports into dist/`);

function compile() {
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

// A map of generated text would only repeat it.
function dropSourceMap(script) {
  const file = join(root, script);
  rmSync(`${file}.map`);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\/\/# sourceMappingURL=.*\s*$/, ''));
}

// CommonJS consumers need declarations that TypeScript reads as CommonJS, hence a copy beside the wrappers.
function copyDeclarations() {
  for (const file of readdirSync(join(root, 'dist/esm'), { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const target = join(root, 'dist/cjs', file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, inlineImports(readFileSync(join(root, 'dist/esm', file), 'utf8'), file));
  }
}

// dist/cjs has a package.json of its own, so "#provider" means nothing there: name the file instead.
function inlineImports(declarations, file) {
  let text = declarations;
  for (const [name, target] of Object.entries(manifest.imports)) {
    const path = relative(join('dist/esm', dirname(file)), target.types).replace(/\.d\.ts$/, '.js');
    text = text.replaceAll(`'${name}'`, `'./${path}'`).replaceAll(`"${name}"`, `"./${path}"`);
  }
  return text;
}

function requireTargets() {
  return Object.values(manifest.exports)
    .map((entry) => entry.require?.default)
    .filter(Boolean);
}

function writeWrapper(target) {
  const file = join(root, target);
  const esm = join(root, target.replace('/cjs/', '/esm/'));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `module.exports = require('${relative(dirname(file), esm)}');\n`);
}

function writeCjsManifest() {
  writeFileSync(join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n');
}

function assertAllExist() {
  const missing = filesNamedIn([manifest.exports, manifest.imports]).filter(
    (file) => !existsSync(join(root, file)),
  );
  if (missing.length > 0) {
    console.error(`package.json names files that the build did not make:\n  ${missing.join('\n  ')}`);
    process.exit(1);
  }
}

function filesNamedIn(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(filesNamedIn);
}
