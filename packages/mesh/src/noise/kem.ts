import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { MeshError } from '../errors/mesh-error.js';

/** Lengths of ML-KEM-768 (FIPS 203), in bytes. */
export const KEM = { publicKey: 1184, ciphertext: 1088 } as const;

/** An ML-KEM-768 key pair (FIPS 203). */
export interface KemKeyPair {
  /** 1184 bytes. */
  readonly publicKey: Uint8Array;
  /** The 32 shared bytes of a ciphertext. A wrong one gives others (implicit rejection). */
  decapsulate(ciphertext: Uint8Array): Uint8Array;
}

/** A new key pair, or the one of a 64-byte seed. */
export function kemKeyPair(seed?: Uint8Array): KemKeyPair {
  const { publicKey, secretKey } = ml_kem768.keygen(seed);
  return { publicKey, decapsulate: (ciphertext) => ml_kem768.decapsulate(ciphertext, secretKey) };
}

/** A ciphertext and its 32 shared bytes; `coins`: 32 bytes, for tests. Throws `NOISE_HANDSHAKE_FAILED:MALFORMED`. */
export function encapsulate(publicKey: Uint8Array, coins?: Uint8Array) {
  try {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, coins);
    return { ciphertext: cipherText, shared: sharedSecret };
  } catch (cause) {
    throw new MeshError('NOISE_HANDSHAKE_FAILED:MALFORMED', { cause });
  }
}
