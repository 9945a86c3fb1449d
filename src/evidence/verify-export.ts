import { defaultProvider } from '#provider';
import { verifyCheckpoint } from '../audit/checkpoint.js';
import { type Cosigner, cosignersOf } from '../audit/cosignature.js';
import { type ExportItem, formatExport, tokensIn } from '../audit/export.js';
import { readItem } from '../audit/read-item.js';
import { type SignedMember, signedMembers } from '../audit/signed-members.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { verifyEvidence } from '../envelope/evidence.js';
import { xlinkError } from '../errors/service-errors.js';
import type { RecordedEntry } from '../types/audit.js';
import type { Did } from '../types/protocol.js';
import {
  checkOptions,
  integerIn,
  isObject,
  isString,
  isStringArray,
  requireOption,
} from '../util/options.js';
import { type AuditDoubt, DEFAULT_TOLERANCE_MS, Doubts, signedAtOf } from './doubts.js';
import { hiddenItems } from './hidden-items.js';
import { isCovered, type SignedLeaf, signedLeaves } from './session-leaves.js';

/** Options of {@link verifyAuditExport}. */
export interface VerifyAuditExportOptions {
  /** The checkpoint that came with the file. */
  readonly checkpoint: string;
  /** The DID of the service, from a source that is trusted. */
  readonly service: Did;
  /** Other DIDs of the service: to which callers send, or that it had before. Default: none but `service`. */
  readonly recipients?: readonly Did[];
  /** How far the time of an entry may be from the one that its caller signed, in ms. Default 330,000: 30 s, and 5 minutes for a slow body. */
  readonly toleranceMs?: number;
  /** Default: `node:crypto` on servers, WebCrypto and noble elsewhere. */
  readonly crypto?: CryptoProvider;
}

/** An entry that is in the log as the service signed it. */
export interface ProvenEntry extends RecordedEntry {
  /**
   * `verified`: the envelope in it was signed by its sender (Ed25519), and the members in `signed` are those of the envelope. `unproven`:
   * there is none; the word of the service stands alone. Of a request in a session, whose leaf is that of the members of the entry: `checkpoint` where the caller
   * signed this leaf in a checkpoint that is in the file; `uncovered` where no checkpoint in the file has it. `doubtful`: something in it was signed by
   * its sender, and is no evidence for this entry: `doubts` says why.
   */
  readonly caller: 'verified' | 'checkpoint' | 'uncovered' | 'unproven' | 'doubtful';
  /** The members that the caller signed. All others are the word of the service: type, time, client, decision, reason and data among them. */
  readonly signed: readonly SignedMember[];
  /** When the caller signed it, as the caller says, in ms since 1970. Absent if nothing is signed. */
  readonly signedAt?: number;
  /** Empty unless it is `doubtful`. */
  readonly doubts: readonly AuditDoubt[];
}

/** What an export proves. */
export interface AuditExport {
  /** Which log. */
  readonly origin: string;
  /** Entries that the log has in this checkpoint. */
  readonly size: number;
  /** Those in the file that can be read, in order. */
  readonly entries: readonly ProvenEntry[];
  /**
   * Numbers of entries in the file that cannot be read, because their retention was over: an entry in the file says that their data key was
   * erased, and no other entry under that key is shown.
   */
  readonly erased: readonly number[];
  /** Numbers of the other entries in the file that cannot be read: the exporter kept them back, or their data key is lost. */
  readonly withheld: readonly number[];
  /** Whether the file has all entries of the checkpoint, and none is withheld. If not, there may be something that is not shown. */
  readonly complete: boolean;
  /** How many of the entries are requests in sessions that no checkpoint in the file covers: their caller never signed them, or elsewhere. */
  readonly uncovered: number;
  /** How many of the entries have something in them that was signed, and is no evidence for them. */
  readonly doubtful: number;
  /** Witnesses that signed the checkpoint too. */
  readonly cosigners: readonly Cosigner[];
}

/**
 * Verifies exported entries (JSON or CSV) with nothing but the file, the checkpoint and the DID of the service: each entry is opened,
 * its place in the tree is proven, signed envelopes in it are verified, and the whole text is compared with what follows from
 * that. Rejects with `AUDIT_INVALID…` if anything of it is not as it was exported.
 */
export async function verifyAuditExport(
  text: string,
  options: VerifyAuditExportOptions,
): Promise<AuditExport> {
  checkOptions('verifyAuditExport', options, {
    checkpoint: isString,
    service: isString,
    recipients: isStringArray,
    toleranceMs: integerIn(0, Number.MAX_SAFE_INTEGER),
    crypto: isObject,
  });
  for (const key of ['checkpoint', 'service']) requireOption('verifyAuditExport', options, key);
  const { crypto = defaultProvider(), recipients = [], toleranceMs = DEFAULT_TOLERANCE_MS } = options;
  const checkpoint = await verifyCheckpoint(crypto, options.checkpoint, options.service);
  const cosigners = await cosignersOf(crypto, checkpoint.note);
  if (!cosigners) throw xlinkError('AUDIT_INVALID:CHECKPOINT', { field: 'cosignature' });
  const found = tokensIn(text);
  if (!found) throw xlinkError('AUDIT_INVALID', { field: 'format' });
  const items: ExportItem[] = [];
  for (const token of found.tokens)
    items.push(await readItem(crypto, token, checkpoint, items.at(-1)?.record.seq));
  if (formatExport(found.format, checkpoint, items) !== text)
    throw xlinkError('AUDIT_INVALID', { field: 'entry' });
  const { origin, size } = checkpoint;
  const signed = await Promise.all(items.flatMap(({ entry }) => (entry ? provenEntry(crypto, entry) : [])));
  const leaves = await signedLeaves(crypto, signed);
  const covered = await Promise.all(signed.map((entry) => inSession(crypto, entry, leaves)));
  const doubts = new Doubts({ own: new Set([options.service, ...recipients]), toleranceMs });
  const entries = covered.map((entry) => doubted(entry, doubts));
  const { erased, withheld } = hiddenItems(items);
  return {
    origin,
    size,
    entries,
    uncovered: entries.filter(({ caller }) => caller === 'uncovered').length,
    doubtful: entries.filter(({ caller }) => caller === 'doubtful').length,
    erased,
    withheld,
    complete: items.length === size && withheld.length === 0,
    cosigners: cosigners.filter(({ witness }) => witness !== options.service), // no witness of itself
  };
}

/** An entry of a request in a session, with what is found about its leaf. */
async function inSession(
  crypto: CryptoProvider,
  entry: ProvenEntry,
  leaves: ReadonlyMap<string, SignedLeaf>,
): Promise<ProvenEntry> {
  if (entry.evidence !== 'session' || entry.leaf === undefined) return entry;
  if (!(await isCovered(crypto, entry, leaves))) return { ...entry, caller: 'uncovered' };
  return { ...entry, caller: 'checkpoint', signed: signedMembers(entry), signedAt: signedAtOf(entry) };
}

/** What was signed is evidence once, to its recipient, and of its time. */
function doubted(entry: ProvenEntry, all: Doubts): ProvenEntry {
  if (entry.signed.length === 0) return entry;
  const doubts = all.about(entry);
  return doubts.length > 0 ? { ...entry, caller: 'doubtful', doubts } : entry;
}

/** Throws `AUDIT_INVALID` for an entry that contradicts the envelope in it. */
async function provenEntry(crypto: CryptoProvider, entry: RecordedEntry): Promise<ProvenEntry> {
  const { envelope, payloadDigest } = entry;
  if (!envelope) return { ...entry, caller: 'unproven', signed: [], doubts: [] };
  const evidence = payloadDigest === undefined ? { envelope } : { envelope, payloadDigest };
  const ok = await verifyEvidence(evidence, crypto).then(
    () => true,
    () => false,
  );
  const agrees = (['from', 'to', 'scope', 'request'] as const).every(
    (name) => entry[name] === undefined || entry[name] === envelope[name],
  );
  const isSame = entry.envelopeId === undefined || entry.envelopeId === envelope.nonce;
  if (!ok || !agrees || !isSame || entry.from === undefined)
    throw xlinkError('AUDIT_INVALID', {
      field: 'envelope',
      hint: `Entry ${entry.seq} says something else than the envelope in it.`,
    });
  const signedAt = signedAtOf(entry);
  return { ...entry, caller: 'verified', signed: signedMembers(entry), signedAt, doubts: [] };
}
