import { X0xError } from '../errors.js';
import { printable } from '../util/printable.js';

/** Bytes of an answer at most: 8 MiB. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Characters of what a daemon says to an error. */
const MOST_DETAIL = 300;

/** What a daemon answers: the members beside `ok`, spelled as it spells them. */
export type DaemonAnswer = Readonly<Record<string, unknown>>;

/** The members of an answer. Throws `DAEMON_REFUSED` with what it said, or `DAEMON_ANSWER_INVALID`. */
export async function answerIn(response: Response): Promise<DaemonAnswer> {
  const value = parsed(await textOf(response));
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const { ok, error, code, ...rest } = isObject ? (value as Record<string, unknown>) : {};
  if (response.ok && ok === true) return rest;
  if (response.ok && (!isObject || ok !== false)) throw unfit('ok');
  const detail = typeof error === 'string' ? printable(error, MOST_DETAIL) : `status ${response.status}`;
  throw new X0xError('DAEMON_REFUSED', { detail, hint: detail });
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > MOST_BYTES) throw unfit('length');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the message of JSON.parse quotes what it read
  }
}

/** A member that has the form it must have. Throws `DAEMON_ANSWER_INVALID`. */
export function fit<T>(answer: DaemonAnswer, name: string, isGood: (value: unknown) => boolean): T {
  if (!isGood(answer[name])) throw unfit(name);
  return answer[name] as T;
}

const unfit = (field: string) => new X0xError('DAEMON_ANSWER_INVALID', { field });

export const isId = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
