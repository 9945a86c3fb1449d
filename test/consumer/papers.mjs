// Every import of the papers, which call the root by several names, resolves in Node by import and by require.
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

export default async function papers({ root }) {
  if (!existsSync(PAPERS)) {
    const text = `the papers are not at ${PAPERS}`;
    if (process.env.CI === 'true') return expectNone('imports of the papers', [text]);
    return console.log(`   skipped: ${text}`);
  }
  const { values, packages } = read();
  const home = install('papers', [root]);
  const require = createRequire(join(home, 'index.js'));
  const required = require('@private.me/xlink');
  const imported = await import(pathToFileURL(importedFrom(home)));
  for (const [way, module] of Object.entries({ import: imported, require: required }))
    expectNone(
      `${values.length} names that the papers import resolve by ${way}`,
      values.filter((name) => module[name] === undefined),
    );
  const pending = packages.filter((name) => !ROOT_NAMES.includes(name));
  console.log(`   pending, packages that do not exist yet: ${pending.join(', ')}`);
}

function read() {
  const text = readdirSync(PAPERS)
    .map((file) => readFileSync(join(PAPERS, file), 'utf8'))
    .join('\n');
  const imports = [...text.matchAll(IMPORT)].map(([, , names, from]) => ({ names: names.split(','), from }));
  const ours = imports.filter(({ from }) => ROOT_NAMES.includes(from)).flatMap(({ names }) => names);
  const values = new Set(ours.map((name) => name.trim()).filter((name) => name && !/^type /.test(name)));
  const packages = new Set([
    ...imports.map(({ from }) => from),
    ...[...text.matchAll(REQUIRE)].map(([, from]) => from),
  ]);
  if (values.size < 15) throw new Error('the papers have lost their imports');
  return { values: [...values].filter((name) => !TYPES.has(name)).sort(), packages: [...packages].sort() };
}

/** What `import` resolves to in that folder. */
function importedFrom(home) {
  const folder = join(home, 'node_modules/@private.me/xlink');
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, exports['.'].node.import.default);
}
