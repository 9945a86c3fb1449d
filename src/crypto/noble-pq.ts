import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { RandomBytes } from '../types/protocol.js';
import type { CryptoProvider } from './provider.js';

/** ML-KEM-768 in JavaScript. The matrix of each key is expanded once. */
export const nobleMlKem768 = (randomBytes: RandomBytes): CryptoProvider['mlKem768'] => ({
  decapsulator(seed) {
    const { secretKey, publicKey } = ml_kem768.keygen(seed);
    const prepared = ml_kem768.prepare(publicKey);
    return { publicKey, decapsulate: (ciphertext) => prepared.decapsulate(ciphertext, secretKey) };
  },
  encapsulator(publicKey) {
    const prepared = prepare(publicKey);
    return (
      prepared && {
        encapsulate() {
          const { cipherText, sharedSecret } = prepared.encapsulate(randomBytes(32));
          return { ciphertext: cipherText, secret: sharedSecret };
        },
      }
    );
  },
});

/** `undefined` for a key that fails the modulus check of FIPS 203 section 7.2. */
function prepare(publicKey: Uint8Array) {
  try {
    return ml_kem768.prepare(publicKey);
  } catch {
    return undefined;
  }
}

/** ML-DSA-65 in JavaScript. Signing takes several milliseconds: on a server it belongs in a worker thread. */
export const nobleMlDsa65 = (randomBytes: RandomBytes): CryptoProvider['mlDsa65'] => ({
  signer(seed) {
    const { secretKey, publicKey } = ml_dsa65.keygen(seed);
    return {
      publicKey,
      sign: (message, context = new Uint8Array(0)) =>
        ml_dsa65.sign(message, secretKey, { context, extraEntropy: randomBytes(32) }),
    };
  },
  verifier(publicKey) {
    const key = checkedMlDsa65PublicKey(publicKey);
    return {
      verify: (message, signature, context = new Uint8Array(0)) =>
        signature.length === ml_dsa65.lengths.signature &&
        ml_dsa65.verify(signature, message, key, { context }),
    };
  },
});

/** A copy; refuses at import what would otherwise only fail at the first signature. */
export function checkedMlDsa65PublicKey(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length !== ml_dsa65.lengths.publicKey)
    throw new RangeError('mlDsa65 public key takes 1952 bytes');
  return Uint8Array.from(publicKey);
}
