// Builds the wing in the working directory against the built root.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './wings.mjs';

rmSync('dist', { recursive: true, force: true });
const tsc = join(root, 'node_modules/.bin/tsc');
const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
process.exitCode = status ?? 1;

// The compiler names what it has inferred by the file that a link in node_modules leads to. Where this is installed, there is none.
const OF_ROOT = /import\("(?:\.\.\/)+dist\/esm\/([\w-]+)\.js"\)/g;
const files = status === 0 ? readdirSync('dist', { recursive: true }) : [];
for (const name of files.filter((name) => name.endsWith('.d.ts'))) {
  const file = join('dist', name);
  const text = readFileSync(file, 'utf8');
  const named = text.replace(
    OF_ROOT,
    (_, front) => `import("@private.me/xlink${front === 'index' ? '' : `/${front}`}")`,
  );
  if (named !== text) writeFileSync(file, named);
}
