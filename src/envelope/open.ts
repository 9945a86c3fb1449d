import { deriveMessageKey } from '../crypto/key-schedule.js';
import type { CryptoProvider, Verifier } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { Identity } from '../identity/identity.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { ParsedEnvelope } from './parse.js';
import { unframePlaintext } from './plaintext.js';
import { headerTranscript, signatureTranscript } from './transcript.js';

/** The sender's public keys, imported. */
export interface SenderKeys {
  readonly ed25519: Verifier;
  /** Needed for version 3. */
  readonly mlDsa65?: Verifier | undefined;
}

/** Verifies every signature the suite calls for; all must match. `header` is its transcript. Throws `VERIFICATION_FAILED:…`. */
export async function verifySignatures(
  crypto: CryptoProvider,
  sender: SenderKeys,
  envelope: ParsedEnvelope,
  header = headerTranscript(envelope),
): Promise<void> {
  const { suite, bytes } = envelope;
  const transcript = await signatureTranscript(crypto, envelope, header);
  if (!(await sender.ed25519.verify(transcript, bytes.signature!)))
    throw xlinkError('VERIFICATION_FAILED:SIGNATURE_MISMATCH', { field: 'signature' });
  if (!suite.pqSignature) return;
  if (!sender.mlDsa65) throw xlinkError('VERIFICATION_FAILED:NO_PQ_KEY', { field: 'pqSignature' });
  if (!(await sender.mlDsa65.verify(transcript, bytes.pqSignature!, suite.label))) {
    throw xlinkError('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH', { field: 'pqSignature' });
  }
}

/**
 * The payload bytes of an envelope whose signatures were verified; `undefined` if a signed-only envelope has none. Those
 * of Xchange as they travel: what opens them is in several envelopes. Throws `DECRYPT_FAILED:…`.
 */
export async function openPayload(
  recipient: Identity,
  envelope: ParsedEnvelope,
  header = headerTranscript(envelope),
): Promise<Uint8Array | undefined> {
  const { suite, fields, bytes } = envelope;
  if (!suite.agreed) return bytes.payload;
  const { crypto } = recipient;
  const ephemeralPub = bytes.ephemeralPub!;
  const x25519Secret = await recipient.x25519.agree(await crypto.x25519.publicKey(ephemeralPub));
  if (!x25519Secret) throw xlinkError('DECRYPT_FAILED:KEY_AGREEMENT', { field: 'ephemeralPub' });

  const from = encodeUtf8(fields.from);
  const { key, iv } = await deriveMessageKey(crypto, suite, from, encodeUtf8(fields.to), {
    x25519Secret,
    ephemeralPub,
    recipientX25519: recipient.x25519.publicKey,
    ...(suite.kem ? { kem: await decapsulate(recipient, bytes.kemCiphertext!) } : {}),
  });
  const plaintext = await crypto.aes256gcm.open(key, iv, header, bytes.payload!);
  if (!plaintext) throw xlinkError('DECRYPT_FAILED:DECRYPTION', { field: 'payload' });
  return unframePlaintext(from, plaintext);
}

async function decapsulate({ mlKem768 }: Identity, ciphertext: Uint8Array) {
  if (!mlKem768) throw xlinkError('DECRYPT_FAILED:KEY_AGREEMENT', { field: 'kemCiphertext' });
  return { secret: await mlKem768.decapsulate(ciphertext), ciphertext, recipientKey: mlKem768.publicKey };
}
