import type { MIGRATIONS } from './migrations.js';

/** The tables of one store. */
export interface Schema {
  readonly store: keyof typeof MIGRATIONS;
  /** The class of the store, for messages. */
  readonly owner: string;
  /** What the tables are called in the `.sql` files. */
  readonly defaultTable: string;
  /** What they are called here, with a schema before a dot if need be. */
  readonly table: string;
}
