// node bundle.mjs BUNDLER FILE: bundles bundled-app.mjs with all it needs.
import { basename, dirname } from 'node:path';

const [bundler, file] = process.argv.slice(2);
const entry = new URL('bundled-app.mjs', import.meta.url).pathname;
const [outDir, name] = [dirname(file), basename(file)];

const bundle = {
  async esbuild(format = 'esm') {
    const { build } = await import('esbuild');
    await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format,
      outfile: file,
    });
  },
  'esbuild-cjs': () => bundle.esbuild('cjs'),
  async webpack() {
    const { default: webpack } = await import('webpack');
    const output = { path: outDir, filename: name, module: true, chunkFormat: 'module' };
    const compiler = webpack({
      mode: 'production',
      target: 'node20',
      entry,
      output,
      experiments: { outputModule: true },
    });
    const stats = await new Promise((resolve, reject) => {
      compiler.run((error, result) => (error ? reject(error) : resolve(result)));
    });
    if (stats.hasErrors()) throw new Error(stats.toString());
  },
  async vite() {
    const { build } = await import('vite');
    await build({
      logLevel: 'warn',
      ssr: { noExternal: true },
      build: { ssr: entry, outDir, emptyOutDir: false, rollupOptions: { output: { entryFileNames: name } } },
    });
  },
  async rollup() {
    const [{ rollup }, { nodeResolve }, { default: commonjs }] = await Promise.all(
      ['rollup', '@rollup/plugin-node-resolve', '@rollup/plugin-commonjs'].map((tool) => import(tool)),
    );
    const plugins = [nodeResolve({ exportConditions: ['node'], preferBuiltins: true }), commonjs()];
    const made = await rollup({ input: entry, plugins });
    await made.write({ dir: outDir, entryFileNames: name, format: 'es' });
  },
};

await bundle[bundler]();
