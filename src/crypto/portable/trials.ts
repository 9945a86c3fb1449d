import { decodeBase64url, encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { equalBytes } from '../bytes.js';
import { noble } from './noble.js';
import type { Primitives } from './primitives.js';

const MESSAGE = encodeUtf8('xlink');
const repeated = (byte: number, length: number) => new Uint8Array(length).fill(byte);

/**
 * Signatures of `xlink` by the key with the seed 0101…01 that tell the rules of ed25519-rules.ts from others, in base64url.
 * test/crypto/choice.test.ts derives each of them.
 */
export const ED25519_TRIAL = {
  signature: 'KcvJgps80vy0pItiqao9ktiCPKPLEU4LhJI6sFe_fJrJeO34ssJ7g1c7RmjkYcVEX8nRIUMgDvrJsvFwAeBrBA',
  refused: {
    /** S + L in place of S. */
    largeS: 'KcvJgps80vy0pItiqao9ktiCPKPLEU4LhJI6sFe_fJq2TONVzSWO2y3YPQvDW6RZX8nRIUMgDvrJsvFwAeBrFA',
    /** R = [7]B + T, with T of order 8: valid under the cofactored equation only. */
    torsionR: '6bL-mBWH765kePSLofpgzsYSbQ4m3ecqCiT2QNzXg-VgjL5awRME0mcCsd-RerYmrIIzwWs7CmKWIjzoudxJCQ',
    /** R is the identity with y = p + 1: valid where points are compared instead of bytes. */
    nonCanonicalR: '7v_______________________________________381moaI__XIsKCNxVSOQKBREYjY_9-DT51MT4oGhhoNBA',
  },
} as const;

/** Whether a primitive does what noble does. Whatever it throws counts as no. */
export const trials: { readonly [K in keyof Primitives]: (candidate: Primitives[K]) => Promise<boolean> } = {
  async hash({ sha256, hkdf }) {
    const secret = repeated(1, 32);
    return (
      equalBytes(await sha256(MESSAGE), await noble.hash.sha256(MESSAGE)) &&
      equalBytes(await hkdf(secret, MESSAGE, 40), await noble.hash.hkdf(secret, MESSAGE, 40))
    );
  },

  async aes256gcm({ seal, open }) {
    const [key, iv] = [repeated(1, 32), repeated(2, 12)];
    const sealed = await seal(key, iv, MESSAGE, MESSAGE);
    const forged = sealed.map((byte) => byte ^ 1);
    return (
      equalBytes(sealed, await noble.aes256gcm.seal(key, iv, MESSAGE, MESSAGE)) &&
      equalBytes((await open(key, iv, MESSAGE, sealed))!, MESSAGE) &&
      (await open(key, iv, MESSAGE, forged)) === undefined
    );
  },

  async ed25519({ signer, verifier }) {
    const { publicKey, sign } = await signer(repeated(1, 32));
    const { verify } = await verifier(publicKey); // which is right if the signature below is good under it
    const isGood = (signature: string) => verify(MESSAGE, decodeBase64url(signature)!);
    for (const signature of Object.values(ED25519_TRIAL.refused)) {
      if (await isGood(signature)) return false;
    }
    return (
      // CryptoKit signs with added randomness; here the same input gives the same bytes everywhere.
      encodeBase64url(await sign(MESSAGE)) === ED25519_TRIAL.signature &&
      (await isGood(ED25519_TRIAL.signature))
    );
  },

  async x25519(candidate) {
    const results = [];
    for (const { keyPair, publicKey } of [candidate, noble.x25519]) {
      const own = await keyPair(repeated(1, 32));
      // The top bit of the peer's key has to be ignored (RFC 7748 section 5).
      const shared = await own.agree(await publicKey(repeated(0x89, 32)));
      const zero = await own.agree(await publicKey(repeated(0, 32)));
      results.push({ own, shared, zero });
    }
    const [tried, expected] = results;
    return (
      equalBytes(tried!.own.publicKey, expected!.own.publicKey) &&
      equalBytes(tried!.shared!, expected!.shared!) &&
      tried!.zero === undefined
    );
  },
};
