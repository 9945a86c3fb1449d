// Checks every link between the pages of the repository: the file must exist, and so must the heading or anchor behind
// the #. A folder may be given instead of the repository.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anchorsOf, linksOf } from './markdown-links.mjs';

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
/** Of each page that a link with a # leads to. */
const anchors = new Map();
const SKIPPED = new Set(['node_modules', 'dist', 'coverage']);

const pages = pagesIn(root);
const links = pages.flatMap((page) =>
  linksOf(readFileSync(page, 'utf8'))
    .filter(({ target }) => !/^[a-z][a-z+.-]*:/i.test(target))
    .map((link) => ({ ...link, page })),
);
const problems = links.flatMap(({ page, line, target }) => {
  const problem = problemOf(page, target);
  return problem ? [`${relative(root, page)}:${line}: ${target} ${problem}`] : [];
});
for (const problem of problems) console.error(problem);
console.log(`${links.length} links in ${pages.length} pages, ${problems.length} broken`);
process.exitCode = problems.length > 0 ? 1 : 0;

function pagesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name) || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pagesIn(path);
    return /(?<!\.template)\.md$/.test(entry.name) ? [path] : []; // a template is read elsewhere
  });
}

function problemOf(page, target) {
  const [path, fragment] = target.split('#');
  const file = path === '' ? page : join(dirname(page), decodeURIComponent(path));
  if (!existsSync(file)) return 'does not exist';
  if (relative(root, file).startsWith('..')) return 'is outside of the repository';
  if (fragment === undefined || !statSync(file).isFile() || !file.endsWith('.md')) return undefined;
  if (!anchors.has(file)) anchors.set(file, anchorsOf(readFileSync(file, 'utf8')));
  return anchors.get(file).has(decodeURIComponent(fragment)) ? undefined : 'has no such heading or anchor';
}
