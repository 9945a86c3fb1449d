import type { Awaitable } from '../util/awaitable.js';
import { passingMemory } from '../util/passing-memory.js';
import { encodeUtf8 } from '../util/utf8.js';
import { concat, EMPTY, passingTranscript } from './bytes.js';
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
 * What HKDF-SHA256 begins with: both secrets, both ciphertexts and both recipient keys, then the label: the inputs of the CFRG
 * UniversalCombiner, each of fixed length within a suite.
 */
export const agreedSecret = (
  label: Uint8Array,
  { x25519Secret, ephemeralPub, recipientX25519, kem }: Agreement,
): Uint8Array =>
  concat(
    [
      kem?.secret ?? EMPTY,
      x25519Secret,
      kem?.ciphertext ?? EMPTY,
      ephemeralPub,
      kem?.recipientKey ?? EMPTY,
      recipientX25519,
      label,
    ],
    passingMemory,
  );

/**
 * Key, commitment and IV from one secret: each begins a block of the HKDF of its own. `info` binds the label and both DIDs
 * again. The secret is fresh for every message, so the IV may be derived with the key.
 */
export async function expandMessageKey(
  crypto: CryptoProvider,
  secret: Uint8Array,
  label: Uint8Array,
  from: string,
  to: string,
): Promise<MessageKey> {
  const output = await crypto.hkdf(secret, passingTranscript([label, from, to]), 76);
  return { key: output.subarray(0, 32), commitment: output.subarray(32, 64), iv: output.subarray(64) };
}

/** The AES-256-GCM key of the chunks of an answer: bound to the digest of its header, and so to everything that is in it. */
export const deriveChunkKey = (
  crypto: CryptoProvider,
  secret: Uint8Array,
  label: Uint8Array,
  headerDigest: Uint8Array,
): Awaitable<Uint8Array> => crypto.hkdf(secret, passingTranscript([label, CHUNKS, headerDigest]), 32);

const CHUNKS = encodeUtf8('chunks');
