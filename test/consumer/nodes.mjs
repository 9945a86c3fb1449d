// Other versions of Node, as the suite of the runtimes has them.
import { install } from '../runtimes/install.mjs';
import { RUNTIMES } from '../runtimes/runtimes.mjs';

/** @returns {{ name: string, path: string }[]} empty, and it says so, where there are no packages of them */
export function otherNodes(names = ['Node 22', 'Node 24']) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(`   ${names.join(' and ')}: tried on Linux x64 only`);
    return [];
  }
  const chosen = RUNTIMES.filter(({ name }) => names.includes(name));
  return chosen.map((runtime) => ({ name: runtime.name, path: install(runtime) }));
}
