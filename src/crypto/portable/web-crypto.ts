import { decodeBase64url } from '../../util/base64url.js';
import { concat, EMPTY, equalBytes } from '../bytes.js';
import { hasIdentityR } from '../ed25519-rules.js';
import type { X25519PublicKey } from '../provider.js';
import type { Primitives } from './primitives.js';

const TAG_BYTES = 16;
const ZERO_32 = new Uint8Array(32);

/** The last byte of the object identifiers id-X25519 and id-Ed25519 (RFC 8410 section 3). */
const OID_END = { X25519: 0x6e, Ed25519: 0x70 } as const;
type Curve = keyof typeof OID_END;

/** WebCrypto takes no view of shared memory. */
const unshared = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);

/** PKCS#8, because WebCrypto takes no raw private keys. */
const pkcs8 = (curve: Curve, secret: Uint8Array) =>
  unshared(
    concat([
      Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, OID_END[curve], 4, 0x22, 4, 0x20),
      secret,
    ]),
  );

class WebX25519PublicKey implements X25519PublicKey {
  readonly bytes: Uint8Array;
  /** `undefined` for a key that the runtime refuses: nothing is agreed on with it. */
  readonly key: CryptoKey | undefined;
  constructor(bytes: Uint8Array, key: CryptoKey | undefined) {
    this.bytes = Uint8Array.from(bytes);
    this.key = key;
  }
}

/** Firefox refuses small-order X25519 keys already here, where RFC 7748 lets the agreement come out as zero. */
function unlessRefused(imported: Promise<CryptoKey>): Promise<CryptoKey | undefined> {
  return imported.catch((error: unknown) => {
    if ((error as Error).name === 'DataError') return undefined;
    throw error;
  });
}

export function webCrypto(subtle: SubtleCrypto): Primitives {
  const publicKey = (curve: Curve, bytes: Uint8Array, usages: KeyUsage[]) =>
    subtle.importKey('raw', unshared(bytes), curve, true, usages);

  /** Extractable, because the way from a private key to its public key is the JWK. */
  async function privateKey(curve: Curve, secret: Uint8Array, usages: KeyUsage[]) {
    const key = await subtle.importKey('pkcs8', pkcs8(curve, secret), curve, true, usages);
    const { x } = await subtle.exportKey('jwk', key);
    return { key, publicKey: decodeBase64url(x!)! };
  }

  const gcmKey = (key: Uint8Array, usage: 'encrypt' | 'decrypt') =>
    subtle.importKey('raw', unshared(key), 'AES-GCM', false, [usage]);
  const gcmParams = (iv: Uint8Array, aad: Uint8Array) => ({
    name: 'AES-GCM',
    iv: unshared(iv),
    additionalData: unshared(aad),
    tagLength: TAG_BYTES * 8,
  });

  return {
    hash: {
      sha256: async (data) => new Uint8Array(await subtle.digest('SHA-256', unshared(data))),
      async hkdf(secret, info, length) {
        const key = await subtle.importKey('raw', unshared(secret), 'HKDF', false, ['deriveBits']);
        const params = { name: 'HKDF', hash: 'SHA-256', salt: unshared(EMPTY), info: unshared(info) };
        return new Uint8Array(await subtle.deriveBits(params, key, length * 8));
      },
    },
    aes256gcm: {
      async seal(key, iv, aad, plaintext) {
        const imported = await gcmKey(key, 'encrypt');
        return new Uint8Array(await subtle.encrypt(gcmParams(iv, aad), imported, unshared(plaintext)));
      },
      async open(key, iv, aad, sealed) {
        if (sealed.length < TAG_BYTES) return undefined;
        const imported = await gcmKey(key, 'decrypt');
        try {
          return new Uint8Array(await subtle.decrypt(gcmParams(iv, aad), imported, unshared(sealed)));
        } catch {
          return undefined;
        }
      },
    },
    ed25519: {
      async signer(seed) {
        const { key, publicKey } = await privateKey('Ed25519', seed, ['sign']);
        return {
          publicKey,
          sign: async (message) => new Uint8Array(await subtle.sign('Ed25519', key, unshared(message))),
        };
      },
      async verifier(bytes) {
        const key = await publicKey('Ed25519', bytes, ['verify']);
        return {
          verify: async (message, signature) =>
            signature.length === 64 &&
            !hasIdentityR(signature) &&
            subtle.verify('Ed25519', key, unshared(signature), unshared(message)),
        };
      },
    },
    x25519: {
      async keyPair(secret) {
        const own = await privateKey('X25519', secret, ['deriveBits']);
        return {
          publicKey: own.publicKey,
          async agree(peer) {
            const { key } = peer as WebX25519PublicKey;
            if (!key) return undefined;
            const params = { name: 'X25519', public: key };
            try {
              const shared = new Uint8Array(await subtle.deriveBits(params, own.key, 256));
              return equalBytes(shared, ZERO_32) ? undefined : shared;
            } catch {
              return undefined; // the standard has an all-zero result refused
            }
          },
        };
      },
      publicKey: async (bytes) =>
        new WebX25519PublicKey(bytes, await unlessRefused(publicKey('X25519', bytes, []))),
    },
  };
}
