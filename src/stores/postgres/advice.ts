import { MIGRATIONS, SCHEMA_VERSION } from './migrations.js';
import type { Schema } from './schema.js';
import { nameParts } from './table-name.js';

const FOLDER = 'node_modules/@private.me/xlink/src/stores/postgres/migrations';
const RIGHTS = 'what docs/stores.md lists under "Rights in PostgreSQL"';

/** What an operator has to run: `message` says it. `cause` has the error of `pg`. */
export class PostgresSetupError extends Error {
  override readonly name = 'PostgresSetupError';
}

/** What is wrong with the tables, by SQLSTATE. */
const WRONG = new Map<unknown, (schema: Schema, said: string) => string>([
  [
    '42501', // insufficient_privilege
    ({ table }, said) =>
      `this role may not use the tables of "${table}" as it must (${said}). Grant it ${RIGHTS}.`,
  ],
  ['42P01', missing], // undefined_table
  ['3F000', missing], // invalid_schema_name
  ['42703', missing], // undefined_column
]);

function missing(schema: Schema, said: string): string {
  return (
    `the tables of "${schema.table}" are not as its migrations make them (${said}). Restore them; or, where it does no harm ` +
    `to begin with an empty table, run: ${migrationCommand(schema)}. Then grant this role ${RIGHTS}.`
  );
}

/** An error of a query, with advice if it is one of setting up; any other as it is. */
export function withAdvice(schema: Schema, error: unknown): unknown {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string };
  const wrong = WRONG.get(code);
  if (!wrong) return error;
  return new PostgresSetupError(`${schema.owner}: ${wrong(schema, String(message))}`, { cause: error });
}

/** For a role that may not make the tables. */
export function withMigrationAdvice(schema: Schema, error: unknown): unknown {
  if ((error as { code?: unknown } | undefined)?.code !== '42501') return error;
  const { owner, table } = schema;
  return new PostgresSetupError(
    `${owner}: this role may not make, change or read the tables of "${table}". With a role that may, run migrate() once, ` +
      `or: ${migrationCommand(schema)}. Then grant this role ${RIGHTS}.`,
    { cause: error },
  );
}

/** Makes what is missing, and changes nothing of what is there. */
function migrationCommand({ store, defaultTable, table }: Schema): string {
  const name = nameParts(table);
  const files = [SCHEMA_VERSION, ...MIGRATIONS[store]].map(({ file }) => `${FOLDER}/${file}`).join(' ');
  const print = name.table === defaultTable ? 'cat' : `sed 's/${defaultTable}/${name.table}/g'`;
  const psql = name.schema ? `PGOPTIONS='-c search_path=${name.schema}' psql -1` : 'psql -1';
  return `${print} ${files} | ${psql}`;
}
