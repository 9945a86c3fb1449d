import { createHash, randomBytes } from 'node:crypto';
import type { CryptoProvider } from '../provider.js';
import { aes256gcm, ed25519, hmac, x25519 } from './classic.js';
import { sha256 } from './hash.js';
import { hkdf } from './hkdf.js';
import { workerMlDsa65 } from './ml-dsa-worker.js';
import { nativeMlDsa65, nativeMlKem768 } from './post-quantum.js';
import { OptionalMlKem768 } from './wasm-ml-kem.js';

let shared: CryptoProvider | undefined;

/**
 * The provider for servers: synchronous `node:crypto`, with ML-KEM and ML-DSA from `node:crypto` where it has them. Where not,
 * ML-KEM is that of `@oqs/liboqs-js` if installed, the rest of noble. What is used is found by trying it, once per process.
 */
export function defaultProvider(): CryptoProvider {
  return (shared ??= detect());
}

function detect(): CryptoProvider {
  const random = (length: number): Uint8Array => randomBytes(length); // each for itself: memory that is set back repeats none
  const nativeKem = nativeMlKem768();
  const otherKem = new OptionalMlKem768(random);
  const mlDsa65 = nativeMlDsa65();
  return {
    name: 'native',
    implementations: {
      ed25519: 'node:crypto',
      x25519: 'node:crypto',
      aes256gcm: 'node:crypto',
      hash: 'node:crypto',
      get mlKem768() {
        return nativeKem ? 'node:crypto' : otherKem.implementation;
      },
      mlDsa65: mlDsa65 ? 'node:crypto' : 'noble in a worker thread',
    },
    randomBytes: random,
    sha256,
    sha256Stream: () => createHash('sha256'),
    hkdf,
    hmac,
    aes256gcm,
    ed25519,
    x25519,
    mlKem768: nativeKem ?? otherKem,
    mlDsa65: mlDsa65 ?? workerMlDsa65(random),
  };
}
