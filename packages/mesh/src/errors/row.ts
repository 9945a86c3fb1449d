import { type TableRow, tableRow } from '@private.me/xlink/errors';

/** The areas that an error of this package can come from. */
export type MeshErrorCategory = 'noise' | 'signal' | 'router' | 'configuration';

/** One error of the table. */
export type MeshErrorRow = TableRow<MeshErrorCategory>;

/** One row of the table. */
export const row = tableRow<MeshErrorCategory>;
