import { concat, EMPTY, lengthPrefixed } from './bytes.js';
import type { CryptoProvider } from './provider.js';
import type { Suite } from './suites.js';

/** What sender and recipient both know after the key agreement. */
export interface Agreement {
  /** X25519 shared secret, 32 bytes. */
  readonly x25519Secret: Uint8Array;
  /** The ephemeral X25519 public key of the message, 32 bytes. */
  readonly ephemeralPub: Uint8Array;
  /** The static X25519 public key of the recipient, 32 bytes. */
  readonly recipientX25519: Uint8Array;
  /** Version 2 and 3: ML-KEM-768 secret (32 bytes), ciphertext (1088) and public key of the recipient (1184). */
  readonly kem?: {
    readonly secret: Uint8Array;
    readonly ciphertext: Uint8Array;
    readonly recipientKey: Uint8Array;
  };
}

/** AES-256-GCM key (32 bytes) and IV (12 bytes) of one message. */
export interface MessageKey {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

/**
 * HKDF-SHA256 over both secrets, both ciphertexts and both recipient keys, then the label: the inputs of the CFRG
 * UniversalCombiner, each of fixed length within a suite. `info` binds the suite and both DIDs again.
 * The key is fresh for every message, so the IV may be derived with it.
 */
export async function deriveMessageKey(
  crypto: CryptoProvider,
  suite: Suite,
  from: Uint8Array,
  to: Uint8Array,
  agreement: Agreement,
): Promise<MessageKey> {
  const { x25519Secret, ephemeralPub, recipientX25519, kem } = agreement;
  const secret = concat([
    kem?.secret ?? EMPTY,
    x25519Secret,
    kem?.ciphertext ?? EMPTY,
    ephemeralPub,
    kem?.recipientKey ?? EMPTY,
    recipientX25519,
    suite.label,
  ]);
  const output = await crypto.hkdf(secret, lengthPrefixed([suite.label, from, to]), 44);
  return { key: output.subarray(0, 32), iv: output.subarray(32) };
}
