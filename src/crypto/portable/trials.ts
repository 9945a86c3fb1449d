import { hexToBytes } from '@noble/hashes/utils.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { equalBytes } from '../bytes.js';
import { noble } from './noble.js';
import type { Primitives } from './primitives.js';

const MESSAGE = encodeUtf8('xlink');
const repeated = (byte: number, length: number) => new Uint8Array(length).fill(byte);

/**
 * Signatures of `xlink` by the key with the seed 0101…01 that tell the rules of ed25519-rules.ts from others.
 * test/crypto/choice.test.ts derives each of them.
 */
export const ED25519_TRIAL = {
  publicKey: '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c',
  signature:
    '29cbc9829b3cd2fcb4a48b62a9aa3d92d8823ca3cb114e0b84923ab057bf7c9a' +
    'c978edf8b2c27b83573b4668e461c5445fc9d12143200efac9b2f17001e06b04',
  refused: {
    /** S + L in place of S. */
    largeS:
      '29cbc9829b3cd2fcb4a48b62a9aa3d92d8823ca3cb114e0b84923ab057bf7c9a' +
      'b64ce355cd258edb2dd83d0bc35ba4595fc9d12143200efac9b2f17001e06b14',
    /** R = [7]B + T, with T of order 8: valid under the cofactored equation only. */
    torsionR:
      'e9b2fe981587efae6478f48ba1fa60cec6126d0e26dde72a0a24f640dcd783e5' +
      '608cbe5ac11304d26702b1df917ab626ac8233c16b3b0a6296223ce8b9dc4909',
    /** R is the identity with y = p + 1: valid where points are compared instead of bytes. */
    nonCanonicalR:
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f' +
      '359a8688fff5c8b0a08dc5548e40a0511188d8ffdf834f9d4c4f8a06861a0d04',
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
    const { verify } = await verifier(hexToBytes(ED25519_TRIAL.publicKey));
    for (const signature of Object.values(ED25519_TRIAL.refused)) {
      if (await verify(MESSAGE, hexToBytes(signature))) return false;
    }
    return (
      equalBytes(publicKey, hexToBytes(ED25519_TRIAL.publicKey)) &&
      // CryptoKit signs with added randomness; here the same input gives the same bytes everywhere.
      equalBytes(await sign(MESSAGE), hexToBytes(ED25519_TRIAL.signature)) &&
      (await verify(MESSAGE, hexToBytes(ED25519_TRIAL.signature)))
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
