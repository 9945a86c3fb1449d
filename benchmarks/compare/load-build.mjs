import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The modules of a checkout that was built, each build in the same process with modules of its own. */
export async function loadBuild(folder) {
  const { exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const load = (conditions) => import(pathToFileURL(join(folder, conditions.import.default)).href);
  const root = exports['.'];
  return { folder, xlink: await load(root.node ?? root), redis: await load(exports['./redis']) };
}
