import { type ErrorDetail, toXlinkError } from './errors.js';

/** One description in the forms that people, logs, programs and pages take. */
export interface FormattedOutput {
  /** For a terminal or a page that shows text: one line for each fact. */
  readonly multiline: string;
  /** For a log: one line. */
  readonly singleline: string;
  /** For programs. */
  readonly json: string;
  /** For reports. */
  readonly markdown: string;
}

/** What an error says, with its text in several forms. */
export interface FormattedError extends ErrorDetail {
  /** The same as text. */
  readonly formats: FormattedOutput;
}

/**
 * Describes an error, such as the `error` of a `Result` or whatever was thrown, without its cause and stack. All forms
 * hold the hint, which is for operators: answer callers of an API with `code` and `message`.
 */
export function formatErrorStructured(error: unknown): FormattedError {
  const { details, id } = toXlinkError(error);
  const { message, hint, field, docs } = details;
  const rows = [
    ['Error', id],
    ['What is wrong', message],
    ['What to do', hint],
    ['Field', field],
    ['Docs', docs],
  ].filter(([, text]) => text !== undefined);
  return {
    ...details,
    formats: {
      multiline: rows.map(([name, text]) => `${name}: ${text}`).join('\n'),
      singleline: [id, message, hint, ...(field === undefined ? [] : [`field ${field}`])].join(' | '),
      json: JSON.stringify(details),
      markdown: rows.map(([name, text]) => `**${name}:** ${text}`).join('\n'),
    },
  };
}
