import { createHash } from 'node:crypto';

/** A line without its end, and the sum that the next line covers. */
export interface Line {
  readonly text: string;
  /** 16 hex digits. */
  readonly sum: string;
}

const LINE = /^\{"sum":"([0-9a-f]{16})","data":(.*)\}$/s;

/** 64 bits of SHA-256 over the sum of the line before and the data. It tells damage from data, not friend from foe. */
export const sumOf = (previous: string, data: string | Uint8Array): string =>
  createHash('sha256').update(previous).update(data).digest('hex').slice(0, 16);

/** The line that holds this JSON text and can tell whether it is whole and in its place: behind `previous` ('': the first). */
export function encodeLine(previous: string, data: string): Line {
  const sum = sumOf(previous, data);
  return { text: `${headOf(sum)}${data}}`, sum };
}

const headOf = (sum: string): string => `{"sum":"${sum}","data":`;
const HEAD_BYTES = headOf('0'.repeat(16)).length;

/** The same line as bytes, with its end, which long data goes into once. */
export function encodeLineBytes(
  previous: string,
  data: string,
): { readonly bytes: Uint8Array; readonly sum: string } {
  const length = Buffer.byteLength(data);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + length + 2);
  const end = HEAD_BYTES + bytes.write(data, HEAD_BYTES);
  const sum = sumOf(previous, bytes.subarray(HEAD_BYTES, end));
  bytes.write(headOf(sum), 0, 'latin1');
  bytes.write('}\n', end, 'latin1');
  return { bytes, sum };
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
