// Bundles the thread in which passkeys are put together with the few parts of the library that it uses: it starts for one signature,
// and the whole library would take it ten times as long. Needs the built root.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/passkey/worker.ts'],
  outfile: 'dist/passkey/worker.bundle.js',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: ['node20'],
  external: ['shamir-secret-sharing'],
  charset: 'utf8',
  legalComments: 'inline',
  tsconfigRaw: '{}', // the root as it is published, not its sources
});
