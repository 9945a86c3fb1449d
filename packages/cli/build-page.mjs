// Bundles the script of the acceptance page with the parts of the library that it uses. Needs the built root.
import { build } from 'esbuild';

await build({
  entryPoints: ['page/main.ts'],
  outfile: 'dist/server/invite-page/page.bundle.js',
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  conditions: ['browser'],
  target: ['es2022', 'chrome105', 'firefox115', 'safari16'],
  charset: 'utf8',
  legalComments: 'inline',
  tsconfigRaw: '{}', // the root as it is published, not its sources
});
