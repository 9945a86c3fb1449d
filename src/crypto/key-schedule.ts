import { concat, EMPTY, lengthPrefixed } from './bytes.js';
import type { CryptoProvider } from './provider.js';

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

/** AES-256-GCM key (32 bytes) and IV (12 bytes) of one message, and a commitment to the key (32 bytes). */
export interface MessageKey {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** AES-GCM does not commit to its key: one ciphertext may open under two. This travels in front of it and is compared. */
  readonly commitment: Uint8Array;
}

/** Bytes of a commitment to a message key. */
export const COMMITMENT_BYTES = 32;

/**
 * HKDF-SHA256 over both secrets, both ciphertexts and both recipient keys, then the label: the inputs of the CFRG
 * UniversalCombiner, each of fixed length within a suite. `info` binds the label and both DIDs again.
 * The key is fresh for every message, so the IV may be derived with it.
 */
export async function deriveMessageKey(
  crypto: CryptoProvider,
  label: Uint8Array,
  from: string,
  to: string,
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
    label,
  ]);
  return expandMessageKey(crypto, secret, label, from, to);
}

/** Key, commitment and IV from one secret: each begins a block of the HKDF of its own. */
export async function expandMessageKey(
  crypto: CryptoProvider,
  secret: Uint8Array,
  label: Uint8Array,
  from: string,
  to: string,
): Promise<MessageKey> {
  const output = await crypto.hkdf(secret, lengthPrefixed([label, from, to]), 76);
  return { key: output.subarray(0, 32), commitment: output.subarray(32, 64), iv: output.subarray(64) };
}
