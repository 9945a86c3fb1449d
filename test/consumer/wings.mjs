// Every wing beside the root, from their tarballs: all fronts can be imported, and the types of none need those of a browser.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestOf } from '../../scripts/manifest.mjs';
import { root as repository, wings } from '../../scripts/wings.mjs';
import { attempt, bin, install, node, ours } from './kit.mjs';

/** What fronts need that is optional. */
const PEERS = [
  'ws',
  'prom-client',
  'ioredis',
  'pg',
  'express',
  'koa',
  'fastify',
  '@types/node',
  'typescript',
];

/** That of a wing's own front. */
const WEBAUTHN = '@simplewebauthn/server@14';

export default function wingsBesideTheRoot(tarballs) {
  const home = install('wings', [...Object.values(tarballs), ...PEERS.map(ours), WEBAUTHN], {
    type: 'module',
  });
  const fronts = wings.flatMap((wing) => frontsOf(manifestOf(join(repository, wing))));
  writeFileSync(join(home, 'all.mjs'), fronts.map((front) => `await import('${front}');\n`).join(''));
  attempt(`${fronts.length} fronts of ${wings.length} packages can be imported`, [node(home, 'all.mjs')]);
  writeFileSync(
    join(home, 'all.ts'),
    fronts.map((front, at) => `export * as f${at} from '${front}';\n`).join(''),
  );
  const options = [
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023',
    '--strict',
    '--noEmit',
    '--types',
    'node',
  ];
  attempt('their types compile', [bin(home, 'tsc', ...options, 'all.ts')]);
}

const frontsOf = ({ name, exports }) =>
  Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => `${name}${path.slice(1)}`);
