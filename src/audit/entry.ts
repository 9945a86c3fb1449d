import { xlinkError } from '../errors/service-errors.js';
import type { AuditEntry, RecordedEntry } from '../types/audit.js';
import { isMembers } from '../util/members.js';
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js';

/** Bytes of JSON that an entry may have: sealed, it fits into the 65,535 bytes of an entry of C2SP tlog-tiles. */
export const MAX_ENTRY_BYTES = 47 * 1024;

const isText = (value: unknown): boolean => typeof value === 'string';
const isTime = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** What each member may hold, in the order in which they are written. */
const MEMBERS: { readonly [Name in keyof Required<AuditEntry>]: (value: unknown) => boolean } = {
  at: isTime,
  type: (value) => isText(value) && /^[\w:.-]{1,64}$/.test(value as string),
  from: isText,
  to: isText,
  client: isText,
  scope: isText,
  request: isText,
  overrides: (value) => Array.isArray(value) && value.every(isText),
  envelopeId: isText,
  evidence: (value) => value === 'signed' || value === 'session',
  decision: isText,
  reason: isText,
  signature: isText,
  leaf: isText,
  envelope: isMembers,
  payloadDigest: isText,
  data: () => true,
};
const NAMES = Object.keys(MEMBERS) as (keyof AuditEntry)[];

/** The JSON text of an entry. Throws `AUDIT_ENTRY_INVALID` with the member at fault. */
export function encodeEntry(entry: AuditEntry, now: number): string {
  if (!isMembers(entry)) throw invalid('entry');
  const unknown = Object.keys(entry).find((name) => !Object.hasOwn(MEMBERS, name));
  if (unknown !== undefined)
    throw invalid('entry', `There is no member ${unknown}; known are ${NAMES.join(', ')}.`);
  const written: Record<string, unknown> = {};
  for (const name of NAMES) {
    const value = entry[name] ?? (name === 'at' ? now : undefined);
    if (value === undefined && name !== 'type') continue;
    if (!MEMBERS[name](value)) throw invalid(name);
    written[name] = value;
  }
  const text = jsonOf(written);
  if (isLost(entry.data)) throw invalid('data', LOST);
  if (isTooLong(text)) throw invalid(entry.envelope ? 'envelope' : 'data');
  return text;
}

/** The entry in these bytes, in its place. Throws `AUDIT_INVALID` for anything else. */
export function decodeEntry(seq: number, bytes: Uint8Array): RecordedEntry {
  try {
    const entry = JSON.parse(decodeUtf8(bytes));
    if (isMembers(entry)) return { seq, ...entry } as RecordedEntry;
  } catch {
    // the error would quote the entry
  }
  throw xlinkError('AUDIT_INVALID', { field: 'entry' });
}

const LOST =
  'A function, symbol, Map, Set, Promise, Error or the like has no JSON: give plain objects and arrays.';

/** Whether JSON leaves something out, or has `{}` for it. Called of what JSON can write, so that nothing is in itself. */
function isLost(value: unknown): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return true;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(isLost);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  const members = Object.values(value);
  return (members.length === 0 && !isPlain(value)) || members.some(isLost);
}

function isPlain(value: object): boolean {
  const above = Object.getPrototypeOf(value);
  return above === null || Object.getPrototypeOf(above) === null;
}

/** A character of JSON has at most three bytes of UTF-8. */
const isTooLong = (text: string): boolean =>
  text.length * 3 > MAX_ENTRY_BYTES && encodeUtf8(text).length > MAX_ENTRY_BYTES;

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw xlinkError('AUDIT_ENTRY_INVALID', { field: 'data', cause });
  }
}

const invalid = (field: string, hint?: string) =>
  xlinkError('AUDIT_ENTRY_INVALID', { field, ...(hint === undefined ? {} : { hint }) });
