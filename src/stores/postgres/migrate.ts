import { Deadline } from '../../util/deadline.js';
import { withMigrationAdvice } from './advice.js';
import { MIGRATIONS, SCHEMA_VERSION } from './migrations.js';
import type { PostgresConnections, TransactionQuery } from './pool.js';
import type { Schema } from './schema.js';
import { nameParts, tableName } from './table-name.js';

/** An index on a table with many rows takes its time. */
const MIGRATION_MS = 60_000;
/** A lock on a table in use is not waited for longer: whatever comes after it would wait as well. */
const LOCK_MS = 5000;

/**
 * Brings the tables to the latest version, if they are not there: in one transaction, and one instance at a time. A version
 * that is higher than the latest one known here is left alone: during a rolling update older instances go on with it.
 */
export async function migrate(
  connections: PostgresConnections,
  schema: Schema,
  deadline: Deadline,
): Promise<void> {
  try {
    const version = await versionOf(schema, (text, values) => connections.query(deadline, text, values));
    if (version >= MIGRATIONS[schema.store].length) return; // CREATE TABLE wants the right to create, even if it has nothing to do
    const expired = () => new Error(`PostgreSQL did not migrate the tables within ${MIGRATION_MS} ms.`);
    const time = new Deadline(MIGRATION_MS, expired);
    await connections.transaction(time, MIGRATION_MS, (query) => applyMissing(schema, query));
  } catch (cause) {
    throw withMigrationAdvice(schema, cause);
  }
}

async function applyMissing(schema: Schema, query: TransactionQuery): Promise<void> {
  const name = nameParts(schema.table);
  await query(`
    SET LOCAL statement_timeout = ${MIGRATION_MS};
    SELECT pg_advisory_xact_lock(hashtext('xlink_schema_version'));
    SET LOCAL lock_timeout = ${LOCK_MS}`);
  const version = await versionOf(schema, query);
  const missing = [...(version === 0 ? [SCHEMA_VERSION] : []), ...MIGRATIONS[schema.store].slice(version)];
  const statements = missing.map(({ sql }) => sql.replaceAll(schema.defaultTable, name.table));
  if (name.schema) statements.unshift(`SET LOCAL search_path TO "${name.schema}";`);
  await query(statements.join('\n'));
}

/** 0 before the first migration. */
async function versionOf({ table }: Schema, query: TransactionQuery): Promise<number> {
  const name = nameParts(table);
  const versions = tableName(name.schema ? `${name.schema}.xlink_schema_version` : 'xlink_schema_version');
  const [known] = await query('SELECT to_regclass($1)::text AS name', [versions]);
  if (!known?.['name']) return 0;
  const sql = `SELECT coalesce(max(version), 0)::text AS version FROM ${versions} WHERE table_name = $1`;
  const [row] = await query(sql, [name.table]);
  return Number(row?.['version']);
}
