/** The areas of the system an error can come from; each has its own error class. */
export type ErrorCategory =
  | 'identity'
  | 'envelope'
  | 'transport'
  | 'registry'
  | 'key-agreement'
  | 'split-channel'
  | 'agent'
  | 'adapter'
  | 'client';

/** One error of the table. */
export interface ErrorRow {
  /** HTTP status an adapter answers with when this error refuses a request. */
  readonly status: number;
  /** Area of the system the error comes from; decides its class. */
  readonly category: ErrorCategory;
  /** What is wrong, in one sentence, the same every time: it holds no value that came from a request. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly hint: string;
  /** Other names of the same failure. */
  readonly aliases?: readonly string[];
  /** For a part that is not built yet; nothing raises it. */
  readonly reserved?: true;
}

type Row = Omit<ErrorRow, 'category'>;

export const row = (
  status: number,
  message: string,
  hint: string,
  more: { aliases?: readonly string[]; reserved?: true } = {},
): Row => ({ status, message, hint, ...more });

/** The rows of one category, so that each front is told its name once. */
export const rows = <Group extends Record<string, Row>>(category: ErrorCategory, group: Group) => {
  for (const each of Object.values(group)) Object.assign(each, { category });
  return group as unknown as { [Id in keyof Group]: ErrorRow };
};
