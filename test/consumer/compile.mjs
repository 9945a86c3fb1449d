// Compiles a TypeScript consumer and runs what comes out.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, copy, node } from './kit.mjs';

// The ways to compile TypeScript: package type, then the options that differ.
export const nodeEsm = { name: 'node-esm', type: 'module', options: { module: 'nodenext' } };
export const nodeCjs = { name: 'node-cjs', type: 'commonjs', options: { module: 'node16' } };
export const bundlerResolution = {
  name: 'bundler',
  type: 'module',
  options: { module: 'esnext', moduleResolution: 'bundler' },
};

const STRICTEST = {
  strict: true,
  skipLibCheck: false,
  target: 'es2022',
  lib: ['es2022'],
  types: ['node'],
  esModuleInterop: true,
};

/** In a folder of its own below `home`, for its package type. */
export function compile(home, prefix, source, { name, type, options, defaults = STRICTEST }) {
  const project = join(home, `${name}-${source}`);
  mkdirSync(project);
  copy(project, source);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type }));
  const compilerOptions = { ...defaults, ...options };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [source] }));
  attempt(`${prefix} ${source} ${name}`, [
    [join(home, 'node_modules/.bin/tsc'), ['-p', '.'], project],
    node(project, source.replace('.ts', '.js')),
  ]);
}
