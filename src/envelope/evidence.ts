import { defaultProvider } from '#provider';
import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import { decodeDidKey } from '../identity/did.js';
import type { Envelope } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { parseEnvelope } from './parse.js';
import { headerTranscript, transcriptWith } from './transcript.js';

/** Characters of a payload that is kept as a whole; of a longer one the digest is. */
const MAX_PAYLOAD = 16 * 1024;

/** A signed envelope as evidence of who sent what: its signature covers the digest of the payload, so it can be verified without. */
export interface SignedEvidence {
  /** The envelope; without its payload where that is long. */
  readonly envelope: Omit<Envelope, 'payload'> & Pick<Partial<Envelope>, 'payload'>;
  /** SHA-256 of the payload as it traveled, 32 bytes, base64url, where the envelope has none. */
  readonly payloadDigest?: string;
}

/** What of an envelope is kept to prove who sent it. */
export async function evidenceOf(
  envelope: Envelope,
  crypto: CryptoProvider = defaultProvider(),
): Promise<SignedEvidence> {
  const { payload, ...rest } = envelope;
  if (payload === undefined || payload.length <= MAX_PAYLOAD) return { envelope };
  return { envelope: rest, payloadDigest: encodeBase64url(await crypto.sha256(decodeBase64url(payload)!)) };
}

/**
 * Verifies the Ed25519 signature (in version 3 that of ML-DSA-65 is not looked at: its key is elsewhere). Throws `PARSE_FAILED…`,
 * `INVALID_DID…` or `VERIFICATION_FAILED:…`.
 */
export async function verifyEvidence(
  { envelope, payloadDigest }: SignedEvidence,
  crypto: CryptoProvider = defaultProvider(),
): Promise<Envelope> {
  const digest = payloadDigest === undefined ? undefined : decodeBase64url(payloadDigest);
  const stand = digest ? { ...envelope, payload: encodeBase64url(digest) } : envelope;
  const parsed = parseEnvelope(stand, undefined, new Uint8Array(0));
  const { label, fields, bytes } = parsed;
  const over = digest ?? (await crypto.sha256(bytes.payload ?? new Uint8Array(0)));
  const transcript = await transcriptWith(crypto, label, headerTranscript(parsed), over);
  const ed25519 = await crypto.ed25519.verifier(decodeDidKey(fields.from));
  if (!(await ed25519.verify(transcript, bytes.signature!)))
    throw xlinkError('VERIFICATION_FAILED:SIGNATURE_MISMATCH', { field: 'signature' });
  return fields;
}
