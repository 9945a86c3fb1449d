// Bundles the script of the acceptance page with the parts of the library that it uses. Needs the built root.
import { fileURLToPath } from 'node:url';
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

// The client of signed requests, for `xlink curl --sign`: the root publishes it as a file to copy.
await build({
  entryPoints: [fileURLToPath(new URL('../../clients/xlink.ts', import.meta.url))],
  outfile: 'dist/signature-client.bundle.js',
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  charset: 'utf8',
  tsconfigRaw: '{}',
});
