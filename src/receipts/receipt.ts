import type { CryptoProvider } from '../crypto/provider.js';
import { DEFAULT_MAX_ENVELOPE_BYTES, type ParsedEnvelope, parseEnvelope } from '../envelope/parse.js';
import { jsonContent } from '../envelope/plaintext.js';
import { signOnlyEnvelope } from '../envelope/seal.js';
import { headerTranscript, signatureTranscript } from '../envelope/transcript.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Identity } from '../identity/identity.js';
import type { DisclosedEntry } from '../types/audit.js';
import type { AgentMessage, Envelope, RandomBytes } from '../types/protocol.js';
import type { Receipt, ReceiptStatus } from '../types/receipt.js';
import { encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import { decodeUtf8 } from '../util/utf8.js';

export type { Receipt, ReceiptStatus } from '../types/receipt.js';

/** The scope of receipts; no grant is needed for it. */
export const RECEIPT_SCOPE = 'xlink:receipt';

const STATUSES: readonly ReceiptStatus[] = ['received', 'processed', 'failed'];

/** What a receipt says, in the payload of its envelope. */
interface Payload {
  readonly messageHash: string;
  readonly receivedAt: number;
  readonly status: ReceiptStatus;
  readonly logIndex?: number;
  readonly proof?: string;
  readonly checkpoint?: string;
}

/** SHA-256 over the signature transcript of an envelope (docs/PROTOCOL.md, 6.2), base64url. */
export const hashOfTranscript = async (crypto: CryptoProvider, transcript: Uint8Array): Promise<string> =>
  encodeBase64url(await crypto.sha256(transcript));

/** The same of an envelope as it travels. Throws `PARSE_FAILED…`. */
export async function messageHash(crypto: CryptoProvider, message: Envelope): Promise<string> {
  const parsed = parseEnvelope(JSON.stringify(message), DEFAULT_MAX_ENVELOPE_BYTES);
  return hashOfTranscript(crypto, await signatureTranscript(crypto, parsed, headerTranscript(parsed)));
}

interface Receiving {
  readonly message: Pick<AgentMessage, 'sender' | 'envelopeId' | 'version'>;
  readonly transcript: Uint8Array;
  readonly receivedAt: number;
  /** What proves that its signer wrote it down. */
  readonly logged?: DisclosedEntry | undefined;
}

/** Signs a receipt of a message that was verified. */
export async function signReceipt(
  identity: Identity,
  { message, transcript, receivedAt, logged }: Receiving,
  status: ReceiptStatus,
  { now, random }: { readonly now: number; readonly random: RandomBytes },
): Promise<Envelope> {
  const { sender: to, envelopeId: inReplyTo, version } = message;
  const payload: Payload = {
    messageHash: await hashOfTranscript(identity.crypto, transcript),
    receivedAt,
    status,
    ...(logged && { logIndex: logged.seq, proof: logged.proof, checkpoint: logged.checkpoint }),
  };
  const draft = {
    version,
    kind: 'receipt',
    to,
    timestamp: now,
    nonce: random(16),
    scope: RECEIPT_SCOPE,
    inReplyTo,
  } as const;
  return signOnlyEnvelope(identity, draft, jsonContent(payload).bytes);
}

/** What the envelope of a receipt says; its signatures are another matter. Throws `RECEIPT_INVALID` or `PARSE_FAILED…`. */
export function readReceipt(input: unknown): { readonly receipt: Receipt; readonly parsed: ParsedEnvelope } {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  const parsed = parseEnvelope(text, DEFAULT_MAX_ENVELOPE_BYTES);
  const { fields, bytes } = parsed;
  if (fields.kind !== 'receipt') throw xlinkError('RECEIPT_INVALID', { field: 'kind' });
  if (fields.scope !== RECEIPT_SCOPE) throw xlinkError('RECEIPT_INVALID', { field: 'scope' });
  const { messageHash, receivedAt, status, logIndex, proof, checkpoint } = payloadOf(bytes.payload);
  const envelope = JSON.parse(text) as Envelope;
  const { from: signer, to: recipient, inReplyTo } = fields;
  const receipt = {
    signer,
    recipient,
    messageHash,
    inReplyTo: inReplyTo!,
    timestamp: receivedAt,
    status,
    ...given({ logIndex, proof, checkpoint }),
    envelope,
  };
  return { receipt, parsed };
}

/** Members that are not known here are for later versions. */
function payloadOf(bytes: Uint8Array | undefined): Payload {
  let payload: Partial<Record<keyof Payload, unknown>>;
  try {
    payload = Object(JSON.parse(decodeUtf8(bytes ?? new Uint8Array())));
  } catch (cause) {
    throw xlinkError('RECEIPT_INVALID', { field: 'payload', cause });
  }
  const { messageHash, receivedAt, status } = payload;
  const wrong =
    typeof messageHash !== 'string' || !/^[\w-]{43}$/.test(messageHash)
      ? 'messageHash'
      : !Number.isSafeInteger(receivedAt)
        ? 'receivedAt'
        : !STATUSES.includes(status as ReceiptStatus)
          ? 'status'
          : wrongInLog(payload);
  if (wrong) throw xlinkError('RECEIPT_INVALID', given({ field: wrong }));
  return payload as Payload;
}

/** All that says where it is in a log, or nothing of that. */
function wrongInLog(payload: Partial<Record<keyof Payload, unknown>>): string | undefined {
  const { logIndex, proof, checkpoint } = payload;
  if (logIndex === undefined && proof === undefined && checkpoint === undefined) return undefined;
  if (!Number.isSafeInteger(logIndex) || (logIndex as number) < 0) return 'logIndex';
  if (typeof proof !== 'string') return 'proof';
  return typeof checkpoint === 'string' ? undefined : 'checkpoint';
}
