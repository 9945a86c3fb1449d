// Writes src/stores/postgres/migrations.ts from the .sql files in src/stores/postgres/migrations, so that bundles need no
// files. With --check it only says whether the module is up to date.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'src/stores/postgres/migrations');
const target = 'src/stores/postgres/migrations.ts';

const stores = readdirSync(folder)
  .filter((name) => !name.endsWith('.sql'))
  .sort();
const text = `${[
  '// Generated from the .sql files in migrations/ by `node scripts/generate-postgres-migrations.mjs`; do not edit by hand.',
  '',
  '/** The table of versions, which all stores share. */',
  `export const SCHEMA_VERSION = ${entry('000-schema-version.sql', '')};`,
  '',
  '/** The migrations of each store, oldest first: the one at index 0 makes version 1. Their tables have the default names. */',
  'export const MIGRATIONS = {',
  ...stores.flatMap((store) => [`  '${store}': [`, ...filesOf(store).map(item), '  ],']),
  '} as const;',
].join('\n')}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(join(root, target), text);
  console.log(`${target} written`);
} else if (readFileSync(join(root, target), 'utf8') === text) {
  console.log(`${target} is up to date`);
} else {
  console.error(`${target} differs from the .sql files: run node scripts/generate-postgres-migrations.mjs`);
  process.exitCode = 1;
}

/** Numbered without a gap: the number is the version that the file makes. */
function filesOf(store) {
  const files = readdirSync(join(folder, store)).sort();
  for (const [index, file] of files.entries()) {
    const number = String(index + 1).padStart(3, '0');
    if (!new RegExp(`^${number}-[a-z-]+\\.sql$`).test(file))
      throw new Error(`${store}/${file} should be named ${number}-what-it-does.sql`);
  }
  return files.map((file) => `${store}/${file}`);
}

function item(file) {
  return `    ${entry(file, '    ')},`;
}

function entry(file, indent) {
  const sql = readFileSync(join(folder, file), 'utf8');
  if (/[`\\]|\$\{/.test(sql)) throw new Error(`${file} has a character that a template string would change`);
  const statements = sql
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('--'))
    .join('\n');
  return `{\n${indent}  file: '${file}',\n${indent}  sql: \`${statements}\`,\n${indent}}`;
}
