// Programs for Node in one file, as each bundler makes them, run away from any node_modules.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, copy, install, node, ours, workshop } from './kit.mjs';
import { otherNodes } from './nodes.mjs';

const BUNDLERS = ['esbuild', 'esbuild-cjs', 'webpack', 'vite', 'rollup'];

export default function bundlers({ root }) {
  const tools = [
    ours('esbuild'),
    'webpack@5',
    'vite',
    'rollup',
    '@rollup/plugin-node-resolve',
    '@rollup/plugin-commonjs',
  ];
  const home = install('bundlers', [root, ...tools]);
  copy(home, 'all-versions.cjs', 'bundled-app.mjs', 'bundle.mjs');
  const bare = join(workshop, 'bundled');
  mkdirSync(bare);
  const runners = [{ name: 'this Node', path: process.execPath }, ...otherNodes(['Node 24'])];
  for (const bundler of BUNDLERS) {
    const file = join(bare, `${bundler}.${bundler.endsWith('cjs') ? 'cjs' : 'mjs'}`);
    attempt(`[D3] ${bundler} bundles`, [node(home, 'bundle.mjs', bundler, file)]);
    for (const { name, path } of runners)
      attempt(`[D3] the ${bundler} bundle sends all versions on ${name}`, [[path, [file], bare]], {
        says: 'all sent',
      });
  }
}
