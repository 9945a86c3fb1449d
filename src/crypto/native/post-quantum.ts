import * as crypto from 'node:crypto';
import { encodeUtf8 } from '../../util/utf8.js';
import { equalBytes } from '../bytes.js';
import type { CryptoProvider, Verifier } from '../provider.js';
import { pqPublicKey, privateKey, rawPqPublicKey } from './keys.js';

/** Newer than the type definitions of Node 20. */
interface Kem {
  encapsulate(key: crypto.KeyObject): { sharedKey: Uint8Array; ciphertext: Uint8Array };
  decapsulate(key: crypto.KeyObject, ciphertext: Uint8Array): Uint8Array;
}
const kem = crypto as unknown as Kem;
const withContext = (key: crypto.KeyObject, context: Uint8Array | undefined) =>
  ({ key, ...(context ? { context } : {}) }) as unknown as crypto.KeyObject;

const mlKem768: CryptoProvider['mlKem768'] = {
  decapsulator(seed) {
    const key = privateKey('mlKem768Seed', seed);
    return {
      publicKey: rawPqPublicKey(crypto.createPublicKey(key), 1184),
      decapsulate: (ciphertext) => kem.decapsulate(key, ciphertext),
    };
  },
  encapsulator(publicKey) {
    let key: crypto.KeyObject;
    try {
      key = pqPublicKey('mlKem768Public', publicKey);
    } catch {
      return undefined;
    }
    return {
      encapsulate() {
        const { sharedKey, ciphertext } = kem.encapsulate(key);
        return { ciphertext, secret: sharedKey };
      },
    };
  },
};

const mlDsa65 = {
  signer(seed: Uint8Array) {
    const key = privateKey('mlDsa65Seed', seed);
    return {
      publicKey: rawPqPublicKey(crypto.createPublicKey(key), 1952),
      sign: (message: Uint8Array, context?: Uint8Array): Uint8Array =>
        crypto.sign(null, message, withContext(key, context)),
    };
  },
  verifier(publicKey: Uint8Array): Verifier {
    const key = pqPublicKey('mlDsa65Public', publicKey);
    return {
      verify: (message, signature, context) =>
        crypto.verify(null, message, withContext(key, context), signature),
    };
  },
} satisfies CryptoProvider['mlDsa65'];

const tried = (trial: () => boolean): boolean => {
  try {
    return trial();
  } catch {
    return false;
  }
};

/** `node:crypto` ML-KEM-768 if a round trip works here (Node 24.7 and later). */
export function nativeMlKem768(): CryptoProvider['mlKem768'] | undefined {
  const works = tried(() => {
    const seed = privateKey('mlKem768Seed', new Uint8Array(64).fill(1));
    const { sharedKey, ciphertext } = kem.encapsulate(crypto.createPublicKey(seed));
    return equalBytes(kem.decapsulate(seed, ciphertext), sharedKey);
  });
  return works ? mlKem768 : undefined;
}

/** `node:crypto` ML-DSA-65 if signing with a context works here and the context matters (some runtimes ignore it). */
export function nativeMlDsa65(): CryptoProvider['mlDsa65'] | undefined {
  const works = tried(() => {
    const message = encodeUtf8('xlink');
    const [context, other] = [encodeUtf8('a'), encodeUtf8('b')];
    const signer = mlDsa65.signer(new Uint8Array(32).fill(1));
    const signature = signer.sign(message, context);
    const { verify } = mlDsa65.verifier(signer.publicKey);
    return verify(message, signature, context) === true && verify(message, signature, other) === false;
  });
  return works ? mlDsa65 : undefined;
}
