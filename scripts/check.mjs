// Everything that must hold before a commit, cheapest first. Stops at the first failure.
import { spawnSync } from 'node:child_process';
import { root, wings } from './wings.mjs';

const steps = [
  ['types', 'node_modules/.bin/tsc', ['--noEmit']],
  ['application types', 'node_modules/.bin/tsc', ['-p', 'test/types/app']],
  ['example types', 'node_modules/.bin/tsc', ['-p', 'examples/express-app']],
  ['logging example types', 'node_modules/.bin/tsc', ['-p', 'examples/logging']],
  ['purchase example types', 'node_modules/.bin/tsc', ['-p', 'examples/purchase']],
  ['deploy types', 'node_modules/.bin/tsc', ['-p', 'deploy']],
  ...['packages', ...wings].map((wing) => [
    `types of ${wing}`,
    'node_modules/.bin/tsc',
    ['--noEmit', '-p', wing],
  ]),
  ['dashboard types', 'node_modules/.bin/tsc', ['-p', 'dashboards']],
  ['dashboards', 'node', ['dashboards/build.mjs', '--check']],
  ['lint', 'node_modules/.bin/biome', ['check', '--error-on-warnings']],
  ['file sizes', 'node', ['scripts/check-file-sizes.mjs']],
  ['layers', 'node', ['scripts/check-layers.mjs', '--self-test']],
  ['faults', 'node', ['scripts/check-faults.mjs']],
  ['objections', 'node', ['scripts/check-objections.mjs']],
  ['links', 'node', ['scripts/check-links.mjs']],
  ['postgres migrations', 'node', ['scripts/generate-postgres-migrations.mjs', '--check']],
  ['error docs', 'node', ['scripts/generate-error-docs.mjs', '--check']],
  ['metric docs', 'node', ['scripts/generate-metric-docs.mjs', '--check']],
  ['snippets', 'node', ['scripts/check-snippets.mjs']],
  ['exports', 'node', ['scripts/check-exports.mjs']],
  ['sizes', 'node', ['scripts/check-sizes.mjs']],
  ['api', 'node', ['scripts/check-api.mjs']],
  ['tsdoc', 'node', ['scripts/check-tsdoc.mjs']],
  ['api reference', 'node', ['scripts/generate-api-docs.mjs', '--check']],
];

for (const [name, command, args] of steps) {
  const started = performance.now();
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(error?.message ?? stdout + stderr);
    console.error(`FAILED ${name} (${seconds} s): ${command} ${args.join(' ')}`);
    process.exit(1);
  }
  if (name === 'sizes') console.log(stdout.trimEnd());
  console.log(`ok ${name} (${seconds} s) ${stdout.trim().split('\n').at(-1)}`.trimEnd());
}
