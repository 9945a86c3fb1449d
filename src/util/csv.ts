/** What a field of CSV may hold. */
export type Cell = string | number | boolean | undefined;

/** Lines of CSV (RFC 4180), each ended; the first names the columns. No field begins a formula. */
export const csv = (columns: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  [columns, ...rows].map((cells) => `${cells.map(field).join(',')}\r\n`).join('');

function field(cell: Cell): string {
  if (typeof cell !== 'string') return String(cell ?? '');
  const text = inert(cell);
  return /[",\r\n;\t]|^\s|\s$|^'/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Spreadsheets take a field that begins with one of these for a formula, and names of clients come from outside: an apostrophe
 * in front makes it text. Wide forms count as the same in some of them.
 */
const inert = (text: string): string => (/^\s*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text);
