// Builds dist/cjs for `require`, Jest among others: every front, and chunks for what fronts share, so that one process
// has one copy of it. Our ESM-only dependencies are bundled in; optional peers stay outside and are required when needed.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, transform } from 'esbuild';
import { filesNamedIn } from './manifest.mjs';

const TARGET = { target: 'node20', platform: 'node' };

/** Needs dist/esm for its declarations. Returns the names of the packages that were bundled. */
export async function buildCjs(root, manifest) {
  const outdir = join(root, 'dist/cjs');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries(manifest).map((file) => file.replace('./dist/cjs/', 'src/').replace(/js$/, 'ts')),
    outbase: 'src',
    outdir,
    bundle: true,
    splitting: true, // which esbuild does for ESM only, hence the second step
    format: 'esm',
    chunkNames: 'chunks/[hash]',
    // Stays a file of its own, which "browser" of package.json swaps for another one.
    external: [...Object.keys(manifest.peerDependencies), ...Object.keys(manifest.imports)],
    legalComments: 'none',
    metafile: true,
    write: false,
    ...TARGET,
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    const code = await toCommonJs(text);
    writeFileSync(path, nameImports(code, relative(outdir, path), manifest, 'node'));
  }
  copyDeclarations(root, manifest);
  const own = { type: 'commonjs', sideEffects: manifest.sideEffects };
  writeFileSync(join(outdir, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
  return packagesIn(metafile);
}

function entries(manifest) {
  const fronts = filesNamedIn(manifest.exports).filter((file) => file.startsWith('./dist/cjs/'));
  const providers = filesNamedIn(manifest.imports).map(toCjsPath);
  return [...new Set([...fronts, ...providers])].filter((file) => file.endsWith('.js'));
}

const toCjsPath = (path) => path.replace('/esm/', '/cjs/');

async function toCommonJs(text) {
  const { code } = await transform(text, {
    format: 'cjs',
    define: { 'import.meta.url': '__filename' },
    // Jest cannot import() without a flag: an optional peer is required, not imported.
    supported: { 'dynamic-import': false },
    ...TARGET,
  });
  return code;
}

/** TypeScript reads declarations as CommonJS only if they stand where a package.json says so. */
function copyDeclarations(root, manifest) {
  for (const file of readdirSync(join(root, 'dist/esm'), { recursive: true })) {
    if (!/\.d\.ts(\.map)?$/.test(file)) continue;
    const [from, to] = [join(root, 'dist/esm', file), join(root, 'dist/cjs', file)];
    mkdirSync(dirname(to), { recursive: true });
    if (file.endsWith('.map')) cpSync(from, to);
    else writeFileSync(to, nameImports(readFileSync(from, 'utf8'), file, manifest, 'types'));
  }
}

/** The "imports" of our package.json do not reach below that of dist/cjs: name the files instead. */
function nameImports(code, file, manifest, condition) {
  let text = code;
  for (const [name, target] of Object.entries(manifest.imports)) {
    const path = relative(join('dist/esm', dirname(file)), target[condition]).replace(/\.d\.ts$/, '.js');
    const specifier = path.startsWith('.') ? path : `./${path}`;
    text = text.replaceAll(`'${name}'`, `'${specifier}'`).replaceAll(`"${name}"`, `"${specifier}"`);
  }
  return text;
}

function packagesIn({ outputs }) {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const names = inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
}
