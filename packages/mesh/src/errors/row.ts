/** The areas that an error of this package can come from. */
export type MeshErrorCategory = 'noise' | 'signal' | 'router' | 'configuration';

/** One error of the table. */
export interface MeshErrorRow {
  /** HTTP status for an application that answers with it. */
  readonly status: number;
  /** Area that the error comes from. */
  readonly category: MeshErrorCategory;
  /** What is wrong, the same every time: it holds no value from outside. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly hint: string;
}

/** One row of the table. */
export const row = (
  status: number,
  category: MeshErrorCategory,
  message: string,
  hint: string,
): MeshErrorRow => ({ status, category, message, hint });
