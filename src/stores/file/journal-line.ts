import { createHash } from 'node:crypto';

/** A line without its end, and the sum that the next line covers. */
export interface Line {
  readonly text: string;
  /** 16 hex digits. */
  readonly sum: string;
}

const LINE = /^\{"sum":"([0-9a-f]{16})","data":(.*)\}$/s;

/** 64 bits of SHA-256 over the sum of the line before and the data. It tells damage from data, not friend from foe. */
const sumOf = (previous: string, data: string): string =>
  createHash('sha256').update(previous).update(data).digest('hex').slice(0, 16);

/** The line that holds this JSON text and can tell whether it is whole and in its place: behind `previous` ('': the first). */
export function encodeLine(previous: string, data: string): Line {
  const sum = sumOf(previous, data);
  return { text: `{"sum":"${sum}","data":${data}}`, sum };
}

/** Value and sum of a line; `undefined` for anything but a whole line in its place. */
export function decodeLine(
  previous: string,
  line: string,
): { readonly value: unknown; readonly sum: string } | undefined {
  const [, sum, data] = LINE.exec(line) ?? [];
  if (sum === undefined || data === undefined || sumOf(previous, data) !== sum) return undefined;
  return { value: JSON.parse(data), sum };
}
