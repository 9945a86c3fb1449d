// Builds dist/node for `import` on Node, Bun and Deno: every front, and chunks for what fronts share. Some hundred files are read at each start
// otherwise. Bundlers that build for browsers take dist/esm, file by file, of which they leave out what is not used.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { filesNamedIn, manifestOf } from './manifest.mjs';
import { root } from './wings.mjs';

/** What dist/node has, beside chunks: `./dist/node/x.js` is made of src/x.ts. */
const sourcesOf = ({ exports }) =>
  [...new Set(filesNamedIn(exports))]
    .filter((file) => file.startsWith('./dist/node/'))
    .map((file) => file.replace('./dist/node/', 'src/').replace(/js$/, 'ts'));

const nativeProvider = {
  name: 'native-provider',
  setup(build) {
    build.onResolve({ filter: /^#provider$/ }, () => ({ path: join(root, 'src/crypto/native/index.ts') }));
  },
};

export async function buildNode(outdir = join(root, 'dist/node')) {
  await build({
    absWorkingDir: root,
    entryPoints: sourcesOf(manifestOf(root)),
    outbase: 'src',
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    chunkNames: 'chunks/[hash]',
    packages: 'external',
    plugins: [nativeProvider],
    target: 'node20',
    platform: 'node',
    legalComments: 'none',
  });
  // Chunks import each other for their effects, too, which the "sideEffects" of our package.json would have bundlers leave out.
  writeFileSync(join(outdir, 'package.json'), `${JSON.stringify({ type: 'module' }, null, 2)}\n`);
}

if (argv[1] === fileURLToPath(import.meta.url)) await buildNode(argv[2]);
