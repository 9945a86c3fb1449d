import type { SignedCheckpoint } from '../../audit/checkpoint.js';
import { decodeEntry } from '../../audit/entry.js';
import { type ExportFormat, type ExportItem, formatExport } from '../../audit/export.js';
import type { MerkleTree } from '../../audit/merkle-tree.js';
import { entryKeyOf, openRecord, type SealedRecord } from '../../audit/record.js';
import type { Hmac } from '../../crypto/provider.js';
import { XlinkError } from '../../errors/service-errors.js';
import type { Identity } from '../../identity/identity.js';
import type { RecordedEntry } from '../../types/audit.js';
import type { Did } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import { checkOptions, integerIn, isFunction, oneOf } from '../../util/options.js';
import type { FoundLine } from './record-text.js';
import { SessionProofs } from './session-proofs.js';

/** Which entries are read. Default: all. */
export interface AuditSelection {
  /** The first one. Default 0. */
  readonly from?: number;
  /** The one behind the last one. Default: all there are. */
  readonly to?: number;
  /** Whether an entry is taken. An entry that nobody can read any more is taken only without `where`. */
  readonly where?: (entry: RecordedEntry) => boolean;
}

/** Options of {@link AuditLog.export}. */
export interface AuditExportOptions extends AuditSelection {
  /** Default `json`. */
  readonly format?: ExportFormat;
}

/** Throws `INVALID_OPTION`. */
export const checkExportOptions = (owner: string, options: AuditExportOptions): void =>
  checkOptions(owner, options, { ...SELECTION, format: oneOf('json', 'csv') });

/** Throws `INVALID_OPTION`. */
export const checkSelection = (owner: string, options: AuditSelection): void =>
  checkOptions(owner, options, SELECTION);

const isSeq = integerIn(0, Number.MAX_SAFE_INTEGER);
const SELECTION = { from: isSeq, to: isSeq, where: isFunction };

/** Where the data keys of a log are, wrapped for the organization. */
export interface WrappedKeys {
  /** Throws `AUDIT_INVALID:KEY` for one that is not here any more, or was wrapped for somebody else. */
  open(id: string, organization: Identity, service: Did): Promise<Hmac>;
}

/** Who reads a log. */
export interface Reader {
  readonly organization: Identity;
  readonly service: Did;
  readonly keys: WrappedKeys;
}

interface ReadEntry {
  readonly record: SealedRecord;
  readonly secret?: Uint8Array;
  /** Absent if its data key is not here. */
  readonly entry?: RecordedEntry;
}

/** Opens the selected entries. */
export async function* readEntries(
  lines: AsyncIterable<FoundLine>,
  reader: Reader,
  { from = 0, to = Number.POSITIVE_INFINITY, where }: AuditSelection,
): AsyncGenerator<ReadEntry> {
  const open = opener(reader);
  for await (const { records } of lines)
    for (const record of records) {
      if (record.seq >= to) return;
      if (record.seq < from) continue;
      const read = await open(record);
      if (!where || (read.entry && where(read.entry))) yield read;
    }
}

/** Opens records; each data key is unwrapped once. */
function opener({ organization, service, keys }: Reader) {
  const known = new Map<string, Promise<Hmac | undefined>>();
  const keyOf = (id: string) => {
    const key = known.get(id) ?? keys.open(id, organization, service).catch(absent);
    known.set(id, key);
    return key;
  };
  return async ({ seq, key, commitment, sealed }: SealedRecord): Promise<ReadEntry> => {
    const record = { seq, key, commitment, sealed };
    const dataKey = await keyOf(key);
    if (!dataKey) return { record };
    const secret = await entryKeyOf(dataKey, seq);
    return { record, secret, entry: decodeEntry(seq, await openRecord(organization.crypto, record, secret)) };
  };
}

/** A data key that was erased is no error; one that does not open is. */
function absent(error: unknown): undefined {
  if (error instanceof XlinkError && error.id === 'AUDIT_INVALID:KEY' && error.field === 'key')
    return undefined;
  throw error;
}

/** The text of an export under a checkpoint: the selected entries, and those in which callers signed requests in sessions among them. */
export async function exportLog(
  lines: AsyncIterable<FoundLine>,
  reader: Reader,
  tree: MerkleTree,
  checkpoint: SignedCheckpoint,
  { format = 'json', ...selection }: AuditExportOptions,
): Promise<string> {
  const items: ExportItem[] = [];
  const { from, to = checkpoint.size, where } = selection;
  const proofs = new SessionProofs();
  const all = { ...(from === undefined ? {} : { from }), to: checkpoint.size };
  for await (const { record, secret, entry } of readEntries(lines, reader, all)) {
    const isBehind = record.seq >= to;
    if (isBehind && proofs.isEmpty) break;
    const isSelected = !isBehind && (!where || (entry !== undefined && where(entry)));
    if (isSelected && entry) proofs.add(entry);
    if (!isSelected && !(entry && proofs.has(entry))) continue;
    const proof = tree.inclusionProof(record.seq, checkpoint.size).map(encodeBase64url);
    items.push({ record, entry, proof, secret: secret && encodeBase64url(secret) });
  }
  return formatExport(format, checkpoint, items);
}
