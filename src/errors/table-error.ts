/** A row of a table of errors. */
export interface TableRow<Category extends string = string> {
  /** HTTP status of an answer that refuses because of it. */
  readonly status: number;
  /** Area that the error comes from. */
  readonly category: Category;
  /** What is wrong, the same every time: it holds no value from outside. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly hint: string;
}

/** One row: a table reads best with one of them on a line. */
export const tableRow = <Category extends string>(
  status: number,
  category: Category,
  message: string,
  hint: string,
): TableRow<Category> => ({ status, category, message, hint });

/** What an error says beyond its row. */
export interface TableErrorDetails {
  /** Name of the option or member at fault; never its value. */
  readonly field?: string | undefined;
  /** Replaces the hint of the table. Default: that of the table. */
  readonly hint?: string | undefined;
  /** The error underneath; never part of the message. Default none. */
  readonly cause?: unknown;
}

/**
 * What the errors of packages that build on this one have in common: a row of their table, a message that says what is wrong and what to
 * do, and no key, token or value from a request.
 */
export abstract class TableError<Id extends string = string> extends Error {
  /** `CODE` or `CODE:SUB_CODE`, a key of the table. */
  readonly id: Id;
  /** The part of `id` before the colon. */
  readonly code: string;
  /** HTTP status of an answer that refuses because of it. */
  readonly status: number;
  /** What is wrong, as the table has it. */
  readonly title: string;
  /** Name of the option or member at fault; never its value. */
  readonly field: string | undefined;

  /** `row`: that of `id`. An `INVALID_OPTION` says its hint alone. */
  protected constructor(id: Id, row: TableRow, { field, hint = row.hint, ...rest }: TableErrorDetails = {}) {
    const isCaused = 'cause' in rest && rest.cause !== undefined;
    super(
      id === 'INVALID_OPTION' ? hint : `${row.message} ${hint}`,
      isCaused ? { cause: rest.cause } : undefined,
    );
    this.id = id;
    this.code = id.split(':')[0]!;
    this.status = row.status;
    this.title = row.message;
    this.field = field;
  }
}
