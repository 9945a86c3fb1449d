import type { OptionCheck } from '../../util/options.js';

/** 13 characters of the 63 of PostgreSQL are left for what is put behind it. */
const NAME = /^[a-z_][a-z0-9_]{0,49}(\.[a-z_][a-z0-9_]{0,49})?$/;
const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/;

const matches =
  (pattern: RegExp, what: string): OptionCheck =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? undefined : what;

export const isTableName = matches(
  NAME,
  'a name of at most 50 lower-case letters, digits and _, with a schema before a dot if need be',
);

export const isChannel = matches(CHANNEL, 'a name of at most 63 lower-case letters, digits and _');

/** A checked name, and what is put behind it, as it stands in SQL: nothing in it needs escaping. */
export const tableName = (name: string, suffix = ''): string =>
  `${name}${suffix}`
    .split('.')
    .map((part) => `"${part}"`)
    .join('.');

/** The schema, if there is one before the dot, and the name behind it. */
export function nameParts(name: string): { schema: string | undefined; table: string } {
  const [table, schema] = name.split('.').reverse();
  return { schema, table: table! };
}

/** The channel of a table: its name, with `_` for the dot. */
export const channelOf = (name: string): string => name.replace('.', '_').slice(0, 63);
