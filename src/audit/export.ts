import type { RecordedEntry } from '../types/audit.js';
import { type Cell, csv } from '../util/csv.js';
import { isMembers } from '../util/members.js';
import { printable } from '../util/printable.js';
import type { Checkpoint } from './checkpoint.js';
import type { SealedRecord } from './record.js';
import { type SignedMember, signedMembers } from './signed-members.js';

/** How exported entries are written. */
export type ExportFormat = 'json' | 'csv';

/** One entry that leaves the log, with what proves it. */
export interface ExportItem {
  readonly record: SealedRecord;
  /** The key of this entry, base64url; absent once the retention of its data key is over. */
  readonly secret?: string | undefined;
  /** Inclusion proof in the tree of the checkpoint: hashes, base64url. */
  readonly proof: readonly string[];
  /** What is in the record. */
  readonly entry?: RecordedEntry | undefined;
}

/** What proves an entry, as one word: no part has a dot, and it begins with a digit, so that no spreadsheet takes it for a formula. */
export const tokenOf = ({ record: { seq, key, commitment, sealed }, secret, proof }: ExportItem): string =>
  [seq, key, commitment, sealed, secret ?? '', proof.join('~')].join('.');

const TOKEN = /^(0|[1-9]\d{0,15})\.([\w-]{1,32})\.([\w-]{43})\.([\w-]+)\.([\w-]{43})?\.([\w~-]*)$/;

/** `undefined` for anything but what {@link tokenOf} makes. */
export function readToken(token: unknown): Omit<ExportItem, 'entry'> | undefined {
  const [, seq, key, commitment, sealed, secret, proof] =
    (typeof token === 'string' && TOKEN.exec(token)) || [];
  if (seq === undefined) return undefined;
  const record = { seq: Number(seq), key: key!, commitment: commitment!, sealed: sealed! };
  return { record, secret, proof: proof === '' ? [] : proof!.split('~') };
}

const FORMAT = 'xlink-audit-export/1';
const COLUMNS = [
  'seq',
  'at',
  'type',
  'from',
  'to',
  'client',
  'scope',
  'request',
  'overrides',
  'envelopeId',
  'evidence',
  'decision',
  'reason',
  'data',
] as const;

/** The text of an export. The same entries and checkpoint give the same text, so whoever opens them again can compare all of it. */
export function formatExport(
  format: ExportFormat,
  { origin, size }: Pick<Checkpoint, 'origin' | 'size'>,
  items: readonly ExportItem[],
): string {
  if (format === 'csv') return csv([...COLUMNS, 'signed', 'proof'], items.map(csvRow));
  const rows = items.map((item) => {
    const { entry = null, record } = item;
    return JSON.stringify({ seq: record.seq, entry, signed: signedIn(entry), proof: tokenOf(item) });
  });
  const head = JSON.stringify({ format: FORMAT, origin, size }).slice(0, -1);
  return `${head},"entries":[\n${rows.join(',\n')}\n]}\n`;
}

function csvRow(item: ExportItem): Cell[] {
  const { entry, record } = item;
  const cells = COLUMNS.map((name): Cell => {
    if (name === 'seq') return record.seq;
    if (name === 'at') return entry && readableTime(entry.at);
    if (name === 'overrides') return entry?.overrides?.join(' ');
    const value = entry?.[name];
    if (value === undefined) return undefined;
    return name === 'data' ? JSON.stringify(value) : String(value);
  });
  const shown = [...cells, signedIn(entry).join(' ')].map(readableText);
  return [...shown, tokenOf(item)];
}

/** Which members are those of the envelope in the entry; of what a session signed, its checkpoints say it. */
const signedIn = (entry: RecordedEntry | null | undefined): readonly SignedMember[] =>
  entry?.envelope ? signedMembers(entry) : [];

const readableText = (cell: Cell): Cell => (typeof cell === 'string' ? printable(cell) : cell);

const readableTime = (at: number): string => (at <= 8.64e15 ? new Date(at).toISOString() : String(at));

/** The proofs in an export; `undefined` for a text that is none. */
export function tokensIn(
  text: string,
): { readonly format: ExportFormat; readonly tokens: unknown[] } | undefined {
  if (!text.startsWith('{')) {
    const lines = text.split('\r\n').slice(1, -1);
    return { format: 'csv', tokens: lines.map((line) => line.slice(line.lastIndexOf(',') + 1)) };
  }
  try {
    const value: unknown = JSON.parse(text);
    if (!isMembers(value) || !Array.isArray(value.entries)) return undefined;
    return { format: 'json', tokens: value.entries.map((row) => isMembers(row) && row.proof) };
  } catch {
    return undefined;
  }
}
