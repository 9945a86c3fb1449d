import type { CryptoProvider } from '../crypto/provider.js';
import { decodePayload } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import { CHECKPOINT_SCOPE } from '../http/session-headers.js';
import { leafOf } from '../session/checkpoint/leaf.js';
import { readStatement } from '../session/checkpoint/statement.js';
import { namesContent } from '../session/checkpoint/verify.js';
import { requestDigest } from '../session/request.js';
import { sessionPrefixes } from '../session/schedule/master.js';
import type { RecordedEntry } from '../types/audit.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { isMembers } from '../util/members.js';
import { encodeUtf8 } from '../util/utf8.js';

/** What a caller signed of one request of a session. */
export interface SignedLeaf {
  /** Base64url. */
  readonly leaf: string;
  /** SHA-256 of the answer as the service saw it, where it says so: the leaf may have it in it. */
  readonly answer: Uint8Array | undefined;
}

/** By caller, session and number. */
const keyOf = (caller: string, request: string): string => `${caller} ${request}`;

/** The leaves of all checkpoints in a file, by the callers that signed them. Throws `AUDIT_INVALID` for a checkpoint that its envelope does not sign. */
export async function signedLeaves(
  crypto: CryptoProvider,
  entries: readonly RecordedEntry[],
): Promise<ReadonlyMap<string, SignedLeaf>> {
  const leaves = new Map<string, SignedLeaf>();
  const checkpoints = entries.filter(({ type, data }) => type === 'session-checkpoint' && isMembers(data));
  for (const entry of checkpoints.filter(({ envelope }) => envelope)) {
    const parts = checkpoints.filter(
      ({ from, envelopeId }) => from === entry.from && envelopeId === entry.envelopeId,
    );
    const { of, content, answers } = joined(parts.map(({ data }) => data as Members));
    if (parts.length !== of) continue; // not all of it is in this file
    const said = await statementOf(crypto, entry, encodeUtf8(content));
    if (!said) throw invalid(entry.seq, 'checkpoint');
    const session = encodeBase64url(said.sid);
    for (const [seq, leaf] of said.leaves)
      leaves.set(keyOf(entry.from!, `${session}.${seq}`), { leaf, answer: answers.get(seq) });
  }
  return leaves;
}

type Members = Readonly<Record<string, unknown>>;

/** A long checkpoint is in several entries. */
function joined(parts: readonly Members[]) {
  const answers = parts.flatMap((part) => (Array.isArray(part['answers']) ? part['answers'] : []));
  return {
    of: parts[0]?.['parts'],
    content: parts.map(({ content }) => String(content)).join(''),
    answers: new Map(answers.map(([seq, hash]) => [Number(seq), decodeBase64url(String(hash))])),
  };
}

/** What the envelope in an entry, whose signature was verified, signs; `undefined` if that is no checkpoint with this content. */
async function statementOf(crypto: CryptoProvider, { envelope }: RecordedEntry, content: Uint8Array) {
  const name = encodeBase64url(await crypto.sha256(content));
  const { kind, scope, request = '' } = envelope!;
  if (kind !== 'request' || scope !== CHECKPOINT_SCOPE || !namesContent(request, name)) return undefined;
  return readStatement(decodePayload(content));
}

/**
 * Whether the caller signed this request of a session. Throws `AUDIT_INVALID` for a leaf that is not that of the members of the entry: who asked whom for
 * what, when, and by which content.
 */
export async function isCovered(
  crypto: CryptoProvider,
  entry: RecordedEntry,
  leaves: ReadonlyMap<string, SignedLeaf>,
): Promise<boolean> {
  const { seq, from, leaf, envelopeId } = entry;
  const seen = await seenIn(crypto, entry);
  if (!seen || from === undefined || (await textOf(crypto, seen)) !== leaf) throw invalid(seq, 'leaf');
  const signed = leaves.get(keyOf(from, envelopeId!));
  if (!signed) return false;
  return (
    signed.leaf === leaf ||
    (signed.answer !== undefined && signed.leaf === (await textOf(crypto, seen, signed.answer)))
  );
}

interface Seen {
  readonly digest: Uint8Array;
  readonly plaintext: Uint8Array;
}

const textOf = async (crypto: CryptoProvider, { digest, plaintext }: Seen, answer?: Uint8Array) =>
  encodeBase64url(await leafOf(crypto, digest, plaintext, answer));

/** What the leaf of a request is made of, from what its entry says. */
async function seenIn(
  crypto: CryptoProvider,
  { from, to, scope, request, envelopeId = '', data }: RecordedEntry,
): Promise<Seen | undefined> {
  const [id = '', number = ''] = envelopeId.split('.');
  const sid = decodeBase64url(id);
  const session = isMembers(data) && isMembers(data['session']) ? data['session'] : {};
  const salt = decodeBase64url(String(session['salt']));
  const plaintext = decodeBase64url(String(session['request']));
  const timestamp = session['timestamp'];
  const isWhole = from !== undefined && to !== undefined && scope !== undefined && request !== undefined;
  if (!isWhole || !sid || !salt || !plaintext || !/^\d{1,5}$/.test(number) || !isTime(timestamp))
    return undefined;
  const prefixes = sessionPrefixes({ sid, from, to });
  const digest = await requestDigest(
    crypto,
    { prefixes },
    { seq: Number(number), salt, timestamp, scope },
    request,
  );
  return { digest, plaintext };
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const invalid = (seq: number, field: string) =>
  xlinkError('AUDIT_INVALID', { field, hint: `Entry ${seq} says something else than what was signed.` });
