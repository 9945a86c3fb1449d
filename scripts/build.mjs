// Builds the root package: dist/esm file by file with tsc, dist/node and dist/cjs as bundles with esbuild.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCjs } from './build-cjs.mjs';
import { buildNode } from './build-node.mjs';
import buildPage from './build-page.mjs';
import buildStructuredFields from './build-structured-fields.mjs';
import { filesNamedIn, manifestOf } from './manifest.mjs';
import { noticesOf } from './notices.mjs';
import { root } from './wings.mjs';

const manifest = manifestOf(root);

rmSync(join(root, 'dist'), { recursive: true, force: true });
await buildPage();
await buildStructuredFields();
compile();
for (const kind of ['js', 'd.ts']) dropSourceMap(`dist/esm/dashboard/page/bundle.${kind}`);
await buildNode();
const bundled = await buildCjs(root, manifest);
const notices = noticesOf({
  'dist/cjs': bundled,
  'The page of the dashboard': ['uplot'],
  'src/signature/structured-fields.ts': ['structured-headers'],
});
writeFileSync(join(root, 'THIRD-PARTY-NOTICES'), notices);
assertAllExist();
console.log(`built ${Object.keys(manifest.exports).length} exports into dist/`);

function compile() {
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

// A map of generated text would only repeat it.
function dropSourceMap(path) {
  const file = join(root, path);
  rmSync(`${file}.map`);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\/\/# sourceMappingURL=.*\s*$/, ''));
}

function assertAllExist() {
  const missing = filesNamedIn([manifest.main, manifest.types, manifest.exports, manifest.imports]).filter(
    (file) => !existsSync(join(root, file)),
  );
  if (missing.length > 0) {
    console.error(`package.json names files that the build did not make:\n  ${missing.join('\n  ')}`);
    process.exit(1);
  }
}
