import * as crypto from 'node:crypto';
import { equalBytes } from '../bytes.js';
import { hasIdentityR } from '../ed25519-rules.js';
import { paddedKeys } from '../hmac.js';
import type { CryptoProvider, X25519PublicKey } from '../provider.js';
import { freeMemory } from './free-memory.js';
import { HASH_BYTES, hashInto, sha256 } from './hash.js';
import { okpPublicKey, privateKey, rawOkpPublicKey } from './keys.js';

const TAG_BYTES = 16;
const ZERO_32 = new Uint8Array(32);

/** A `KeyObject` in place of a buffer makes GCM two to four times faster on Node 24; on Node 20 it makes GCM a third slower. */
const gcmKey =
  Number.parseInt(process.versions.node, 10) < 22 ? (key: Uint8Array) => key : crypto.createSecretKey;

/**
 * By two digests: a third of the time of an HMAC of `node:crypto` on Node 24, which has to be set up for each tag. What is hashed is put
 * together in memory that the key keeps for that, and wiped.
 */
export const hmac: CryptoProvider['hmac'] = (key) => {
  const { inner, outer } = paddedKeys(key);
  const last = new Uint8Array(outer.length + HASH_BYTES);
  last.set(outer);
  let first = inner;
  return {
    tag(data) {
      const length = inner.length + data.length;
      if (first.length < length) {
        first = new Uint8Array(length);
        first.set(inner);
      }
      first.set(data, inner.length);
      hashInto(last, outer.length, first.length === length ? first : first.subarray(0, length));
      first.fill(0, inner.length);
      return sha256(last);
    },
  };
};

export const aes256gcm: CryptoProvider['aes256gcm'] = {
  seal(key, iv, aad, plaintext, memory = Buffer.allocUnsafe) {
    const cipher = crypto.createCipheriv('aes-256-gcm', gcmKey(key), iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(aad);
    const ciphertext = cipher.update(plaintext); // GCM has nothing left for `final`
    cipher.final();
    const sealed = memory(plaintext.length + TAG_BYTES);
    sealed.set(ciphertext);
    sealed.set(cipher.getAuthTag(), ciphertext.length);
    freeMemory(ciphertext);
    return sealed;
  },
  open(key, iv, aad, sealed) {
    if (sealed.length < TAG_BYTES) return undefined;
    const end = sealed.length - TAG_BYTES;
    const decipher = crypto.createDecipheriv('aes-256-gcm', gcmKey(key), iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(aad).setAuthTag(sealed.subarray(end));
    const plaintext = decipher.update(sealed.subarray(0, end));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plaintext;
  },
};

export const ed25519: CryptoProvider['ed25519'] = {
  signer(seed) {
    const key = privateKey('ed25519Seed', seed);
    return {
      publicKey: rawOkpPublicKey(crypto.createPublicKey(key)),
      sign: (message) => crypto.sign(null, message, key),
    };
  },
  verifier(publicKey) {
    const key = okpPublicKey('Ed25519', publicKey);
    return {
      verify: (message, signature) =>
        signature.length === 64 && !hasIdentityR(signature) && crypto.verify(null, message, key, signature),
    };
  },
};

class NativeX25519PublicKey implements X25519PublicKey {
  readonly bytes: Uint8Array;
  readonly key: crypto.KeyObject;
  constructor(bytes: Uint8Array) {
    this.bytes = new Uint8Array(bytes);
    this.key = okpPublicKey('X25519', bytes);
  }
}

function staticKeyPair(secret: Uint8Array) {
  const key = privateKey('x25519Secret', secret);
  return { key, publicKey: rawOkpPublicKey(crypto.createPublicKey(key)) };
}

/**
 * The public key is exported by the generator itself. On Node 20 exporting a generated `KeyObject` afterwards can hang
 * for good: a collection in the midst of it finalizes the generator, which waits for the lock that the export holds.
 */
function freshKeyPair() {
  const { privateKey: key, publicKey } = crypto.generateKeyPairSync('x25519', {
    publicKeyEncoding: { format: 'jwk' },
  } as object) as unknown as { privateKey: crypto.KeyObject; publicKey: crypto.JsonWebKey };
  return { key, publicKey: Buffer.from(publicKey.x!, 'base64url') };
}

export const x25519: CryptoProvider['x25519'] = {
  keyPair(secret) {
    const { key, publicKey } = secret ? staticKeyPair(secret) : freshKeyPair();
    return {
      publicKey,
      agree(peer) {
        try {
          const shared = crypto.diffieHellman({
            privateKey: key,
            publicKey: (peer as NativeX25519PublicKey).key,
          });
          return equalBytes(shared, ZERO_32) ? undefined : shared;
        } catch {
          return undefined; // OpenSSL refuses small-order keys by itself
        }
      },
    };
  },
  publicKey: (bytes) => new NativeX25519PublicKey(bytes),
};
