// One file for runtimes that load no packages. It is made of the installed package, by its export conditions.
import { join } from 'node:path';
import { build } from 'esbuild';

/** The text of a bundle. `home`: from `installPackage`. */
export async function bundle(home, entry, conditions) {
  const { outputFiles } = await build({
    entryPoints: [join(home, 'test/runtimes', entry)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions,
    logLevel: 'error',
  });
  return outputFiles[0].text;
}

export const bundleForBrowsers = (home) => bundle(home, 'page.mjs', ['browser']);
export const bundleForWorkerd = (home) => bundle(home, 'worker.mjs', ['workerd', 'worker', 'browser']);
