import { createHash, randomBytes } from 'node:crypto';
import { nobleMlKem768 } from '../noble-pq.js';
import type { CryptoProvider } from '../provider.js';
import { aes256gcm, ed25519, hkdf, hmac, sha256, x25519 } from './classic.js';
import { workerMlDsa65 } from './ml-dsa-worker.js';
import { nativeMlDsa65, nativeMlKem768 } from './post-quantum.js';

let shared: CryptoProvider | undefined;

/**
 * The provider for servers: synchronous `node:crypto`, with ML-KEM and ML-DSA from `node:crypto` where it has them and
 * from noble where not. What is used is found by trying it, once per process.
 */
export function defaultProvider(): CryptoProvider {
  return (shared ??= detect());
}

function detect(): CryptoProvider {
  const random = (length: number): Uint8Array => randomBytes(length);
  const mlKem768 = nativeMlKem768();
  const mlDsa65 = nativeMlDsa65();
  return {
    name: 'native',
    implementations: {
      ed25519: 'node:crypto',
      x25519: 'node:crypto',
      aes256gcm: 'node:crypto',
      hash: 'node:crypto',
      mlKem768: mlKem768 ? 'node:crypto' : 'noble',
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
    mlKem768: mlKem768 ?? nobleMlKem768(random),
    mlDsa65: mlDsa65 ?? workerMlDsa65(random),
  };
}
