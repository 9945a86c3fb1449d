import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { MeshError } from '../errors/mesh-error.js';
import { equalBytes } from '../util/bytes.js';

/** Length of keys and shared secrets of X25519 (RFC 7748), in bytes. */
export const DH_LENGTH = 32;

/** PKCS#8 in front of a raw X25519 key (RFC 8410). */
const PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const ZERO = new Uint8Array(DH_LENGTH);

/** An X25519 key pair (RFC 7748). */
export interface NoiseKeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Agrees on 32 bytes. Throws `NOISE_HANDSHAKE_FAILED:MALFORMED` for a key of small order. */
  agree(peer: Uint8Array): Uint8Array;
}

/** The key pair of 32 secret bytes. */
export function keyPairOf(secret: Uint8Array): NoiseKeyPair {
  const key = createPrivateKey({ key: Buffer.concat([PREFIX, secret]), format: 'der', type: 'pkcs8' });
  return pair(key, Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x!, 'base64url'));
}

/** A new key pair. The public key is exported by the generator: on Node 20 exporting it afterwards can hang. */
export function newKeyPair(): NoiseKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('x25519', {
    publicKeyEncoding: { format: 'jwk' },
  } as object) as unknown as { privateKey: KeyObject; publicKey: JsonWebKey };
  return pair(privateKey, Buffer.from(publicKey.x!, 'base64url'));
}

function pair(privateKey: KeyObject, publicKey: Uint8Array): NoiseKeyPair {
  return {
    publicKey,
    agree(peer) {
      const shared = agreement(privateKey, peer);
      if (!shared || equalBytes(shared, ZERO)) throw new MeshError('NOISE_HANDSHAKE_FAILED:MALFORMED');
      return shared;
    },
  };
}

function agreement(privateKey: KeyObject, peer: Uint8Array): Uint8Array | undefined {
  try {
    const x = Buffer.from(peer).toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return undefined;
  }
}
