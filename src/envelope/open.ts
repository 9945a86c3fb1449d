import { equalBytes } from '../crypto/bytes.js';
import { agreedSecret, COMMITMENT_BYTES, expandMessageKey, type MessageKey } from '../crypto/key-schedule.js';
import type { CryptoProvider, Verifier } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { EncryptionKeys } from '../identity/encryption-keys.js';
import type { ParsedEnvelope } from './parse.js';
import { type Content, JSON_TYPE, unframePlaintext } from './plaintext.js';
import { headerTranscript, signatureTranscript } from './transcript.js';

/** The sender's public keys, imported. */
export interface SenderKeys {
  readonly ed25519: Verifier;
  /** Needed for version 3. */
  readonly mlDsa65?: Verifier | undefined;
}

/** Verifies every signature the suite calls for; all must match. `header` is its transcript. Resolves to what they cover. Throws `VERIFICATION_FAILED:…`. */
export async function verifySignatures(
  crypto: CryptoProvider,
  sender: SenderKeys,
  envelope: ParsedEnvelope,
  header = headerTranscript(envelope),
): Promise<Uint8Array> {
  const { suite, label, bytes } = envelope;
  const transcript = await signatureTranscript(crypto, envelope, header);
  if (!(await sender.ed25519.verify(transcript, bytes.signature!)))
    throw xlinkError('VERIFICATION_FAILED:SIGNATURE_MISMATCH', { field: 'signature' });
  if (!suite.pqSignature) return transcript;
  if (!sender.mlDsa65) throw xlinkError('VERIFICATION_FAILED:NO_PQ_KEY', { field: 'pqSignature' });
  if (!(await sender.mlDsa65.verify(transcript, bytes.pqSignature!, label))) {
    throw xlinkError('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH', { field: 'pqSignature' });
  }
  return transcript;
}

/**
 * The content of an envelope whose signatures were verified, opened with the keys that `keyEpoch` names; `undefined` if a signed-only envelope has none. Of Xchange the
 * payload as it travels: what opens it is in several envelopes. Throws `DECRYPT_FAILED:…`.
 */
export async function openPayload(
  crypto: CryptoProvider,
  recipient: EncryptionKeys | undefined,
  envelope: ParsedEnvelope,
  header = headerTranscript(envelope),
): Promise<Content | undefined> {
  const { suite, fields, bytes } = envelope;
  if (!suite.agreed || !recipient) return bytes.payload && { bytes: bytes.payload, contentType: JSON_TYPE };
  const messageKey = await messageKeyOf(crypto, envelope, await agreedWith(crypto, recipient, envelope));
  const plaintext = await openCommitted(crypto, messageKey, header, bytes.payload!);
  if (!plaintext) throw xlinkError('DECRYPT_FAILED:DECRYPTION', { field: 'payload' });
  return unframePlaintext(fields.kind, fields.from, plaintext);
}

/** The secret that the sender agreed on with the recipient. */
export async function agreedWith(
  crypto: CryptoProvider,
  recipient: EncryptionKeys,
  { suite, label, bytes }: ParsedEnvelope,
): Promise<Uint8Array> {
  const ephemeralPub = bytes.ephemeralPub!;
  const x25519Secret = await recipient.x25519.agree(await crypto.x25519.publicKey(ephemeralPub));
  if (!x25519Secret) throw xlinkError('DECRYPT_FAILED:KEY_AGREEMENT', { field: 'ephemeralPub' });
  return agreedSecret(label, {
    x25519Secret,
    ephemeralPub,
    recipientX25519: recipient.x25519.publicKey,
    ...(suite.kem ? { kem: await decapsulate(recipient, bytes.kemCiphertext!) } : {}),
  });
}

/** The keys of the payload. */
export const messageKeyOf = (
  crypto: CryptoProvider,
  { label, fields }: ParsedEnvelope,
  secret: Uint8Array,
): Promise<MessageKey> => expandMessageKey(crypto, secret, label, fields.from, fields.to);

/** The plaintext behind a commitment to this key; `undefined` if it is to another, or the tag does not match. */
export async function openCommitted(
  { aes256gcm }: CryptoProvider,
  { key, iv, commitment }: MessageKey,
  aad: Uint8Array,
  payload: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (!equalBytes(payload.subarray(0, COMMITMENT_BYTES), commitment)) return undefined;
  return aes256gcm.open(key, iv, aad, payload.subarray(COMMITMENT_BYTES));
}

async function decapsulate({ mlKem768 }: EncryptionKeys, ciphertext: Uint8Array) {
  if (!mlKem768) throw xlinkError('DECRYPT_FAILED:KEY_AGREEMENT', { field: 'kemCiphertext' });
  return { secret: await mlKem768.decapsulate(ciphertext), ciphertext, recipientKey: mlKem768.publicKey };
}
