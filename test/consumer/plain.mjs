// JavaScript and TypeScript on Node, with and without the optional peers.

import { bundlerResolution, compile, nodeCjs, nodeEsm } from './compile.mjs';
import { attempt, copy, install, node, ours } from './kit.mjs';

export default function plain({ root }) {
  const typescript = [ours('typescript'), ours('@types/node')];
  for (const major of [5, 4]) {
    const packages = [`express@${major}`, `@types/express@${major}`, 'prom-client@15', ...typescript];
    const home = install(`express${major}`, [root, ...packages]);
    copy(home, 'story.cjs', 'esm.mjs', 'cjs.cjs', 'copies.cjs', 'all-versions.cjs');
    for (const script of ['esm.mjs', 'cjs.cjs']) attempt(`express${major} ${script}`, [node(home, script)]);
    for (const kind of major === 5 ? [nodeEsm, nodeCjs, bundlerResolution] : [nodeEsm])
      compile(home, `express${major}`, 'typed.ts', kind);
    if (major === 5)
      attempt('[D1] the ESM and the CommonJS copy in one process agree', [node(home, 'copies.cjs')]);
  }
  const home = install('no-peers', [root, ...typescript]);
  for (const kind of [nodeEsm, nodeCjs]) compile(home, 'no-peers', 'bare.ts', kind);
}
