// Writes docs/api/ from the TSDoc of everything that the fronts export. With --check it only says whether it is up to date.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { indexPage, pagesOf } from './api-markdown.mjs';
import { apiOfFronts } from './api-model.mjs';

const folder = fileURLToPath(new URL('../docs/api', import.meta.url));

const fronts = apiOfFronts();
const pages = new Map([['README.md', indexPage(fronts)], ...pagesOf(fronts)]);

if (process.argv.includes('--check')) {
  const stale = [...pages].filter(([name, text]) => read(name) !== text).map(([name]) => name);
  const surplus = (existsSync(folder) ? readdirSync(folder) : []).filter((name) => !pages.has(name));
  if (stale.length + surplus.length === 0) console.log(`${pages.size} pages in docs/api are up to date`);
  else fail([...stale, ...surplus]);
} else {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, text] of pages) writeFileSync(join(folder, name), text);
  console.log(`${pages.size} pages written to docs/api`);
}

function read(name) {
  return existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined;
}

function fail(names) {
  console.error(`docs/api differs from the sources (${names.join(', ')}): npm run docs:api`);
  process.exitCode = 1;
}
