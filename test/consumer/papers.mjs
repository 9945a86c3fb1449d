// Every import of the papers resolves in Node: of the root, which they call by several names, by import and by require, of a wing by import.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root as repository } from '../../scripts/wings.mjs';
import { expectNone, install } from './kit.mjs';

const PAPERS = process.env.PAPERS ?? join(repository, '../shared/seeds');
const IMPORT = /import\s+(type\s+)?\{([^}]*)\}\s+from\s+['"]@private\.me\/([\w-]+)['"]/g;
const REQUIRE = /require\(['"]@private\.me\/([\w-]+)['"]\)/g;
const ROOT_NAMES = ['xlink', 'agent-sdk', 'shared', 'ux-helpers'];
/** Types, which exist for the compiler only: the API report has them. */
const TYPES = new Set(['Result']);

export default async function papers({ root, ...wings }) {
  if (!existsSync(PAPERS)) {
    const text = `the papers are not at ${PAPERS}`;
    if (process.env.CI === 'true') return expectNone('imports of the papers', [text]);
    return console.log(`   skipped: ${text}`);
  }
  const { values, ofWings } = read();
  const home = install('papers', [root, ...Object.values(wings)]);
  const require = createRequire(join(home, 'index.js'));
  const required = require('@private.me/xlink');
  const imported = await import(pathToFileURL(importedFrom(home, 'xlink')));
  for (const [way, module] of Object.entries({ import: imported, require: required }))
    expectNone(
      `${values.length} names that the papers import resolve by ${way}`,
      values.filter((name) => module[name] === undefined),
    );
  for (const [wing, names] of ofWings) {
    const module = await import(pathToFileURL(importedFrom(home, wing)));
    expectNone(
      `${names.length} names that the papers import of ${wing} resolve`,
      names.filter((name) => module[name] === undefined),
    );
  }
}

function read() {
  const text = readdirSync(PAPERS)
    .map((file) => readFileSync(join(PAPERS, file), 'utf8'))
    .join('\n');
  const imports = [...text.matchAll(IMPORT)].map(([, , names, from]) => ({ names: names.split(','), from }));
  const namesFrom = (packages) =>
    imports
      .filter(({ from }) => packages.includes(from))
      .flatMap(({ names }) => names.map((name) => name.trim()))
      .filter((name) => name && !/^type /.test(name) && !TYPES.has(name));
  const distinct = (names) => [...new Set(names)].sort();
  const values = distinct(namesFrom(ROOT_NAMES));
  const required = [...text.matchAll(REQUIRE)].map(([, from]) => from);
  const others = distinct([...imports.map(({ from }) => from), ...required]).filter(
    (name) => !ROOT_NAMES.includes(name),
  );
  if (values.length < 15 || others.length === 0) throw new Error('the papers have lost their imports');
  return { values, ofWings: others.map((name) => [name, distinct(namesFrom([name]))]) };
}

/** What `import` resolves to in that folder. */
function importedFrom(home, name) {
  const folder = join(home, 'node_modules/@private.me', name);
  const entry = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).exports['.'];
  return join(folder, (entry.node?.import ?? entry).default);
}
