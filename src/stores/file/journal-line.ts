import { createHash } from 'node:crypto';

const LINE = /^\{"sum":"([0-9a-f]{16})","data":(.*)\}$/s;

/** Of the text of the data: 64 bits of SHA-256. It tells damage from data, not friend from foe. */
const sumOf = (data: string): string => createHash('sha256').update(data).digest('hex').slice(0, 16);

/** The one line, without its end, that holds a JSON value and can tell whether it is whole. */
export function encodeLine(value: unknown): string {
  const data = JSON.stringify(value);
  return `{"sum":"${sumOf(data)}","data":${data}}`;
}

/** The value in a line; `undefined` for anything but a whole line. */
export function decodeLine(line: string): unknown {
  const [, sum, data] = LINE.exec(line) ?? [];
  return data !== undefined && sumOf(data) === sum ? JSON.parse(data) : undefined;
}
