// Lets a script use the TypeScript sources as they are, without a build.
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The exports of TypeScript files, bundled in memory. Paths are relative to the repository, such as './src/errors/errors.ts'. */
export async function loadSources(...files) {
  const contents = files.map((file) => `export * from '${file}';`).join('\n');
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
