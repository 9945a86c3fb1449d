// What the steps have in common that put code of other packages into a source file.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the license of a bundled package wants to be kept with it. */
export function licenseOf(name, root) {
  const folder = join(root, 'node_modules', name);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}`;
}

/** Others may be reading the file: it is replaced as a whole. */
export function writeIfChanged(target, text) {
  if (existsSync(target) && readFileSync(target, 'utf8') === text) return;
  const temporary = `${target}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, target);
}
