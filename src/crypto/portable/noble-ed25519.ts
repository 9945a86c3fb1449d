import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { equalBytes } from '../bytes.js';
import { hasIdentityR } from '../ed25519-rules.js';
import type { CryptoProvider } from '../provider.js';

const { Point } = ed25519;
const L = Point.Fn.ORDER;

/** noble's own `verify` multiplies by the cofactor, so the equation of ed25519-rules.ts is written out here. */
export const nobleEd25519: CryptoProvider['ed25519'] = {
  signer(seed) {
    const secret = Uint8Array.from(seed);
    return { publicKey: ed25519.getPublicKey(secret), sign: (message) => ed25519.sign(message, secret) };
  },
  verifier(publicKey) {
    const encoded = Uint8Array.from(publicKey);
    const minusA = Point.fromBytes(encoded, false).negate();
    return {
      verify(message, signature) {
        if (signature.length !== 64 || hasIdentityR(signature)) return false;
        const R = signature.subarray(0, 32);
        const S = bytesToNumberLE(signature.subarray(32));
        if (S >= L) return false;
        const h = bytesToNumberLE(sha512.create().update(R).update(encoded).update(message).digest()) % L;
        const P = Point.BASE.multiplyUnsafe(S).add(minusA.multiplyUnsafe(h));
        return equalBytes(P.toBytes(), R);
      },
    };
  },
};
