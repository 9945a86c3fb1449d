import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { utf8 } from '../../util/bytes.js';

/** An X25519 key pair (RFC 7748): 32 bytes each. */
export interface KeyPair {
  readonly secret: Uint8Array;
  readonly public: Uint8Array;
}

const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const TAG_BYTES = 16;

const privateKey = (secret: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, secret]), format: 'der', type: 'pkcs8' });
const publicKey = (bytes: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, bytes]), format: 'der', type: 'spki' });
const tail = (der: Buffer): Uint8Array => new Uint8Array(der.subarray(der.length - 32));

/** A fresh X25519 key pair. */
export function newKeyPair(): KeyPair {
  const pair = generateKeyPairSync('x25519');
  return {
    secret: tail(pair.privateKey.export({ format: 'der', type: 'pkcs8' })),
    public: tail(pair.publicKey.export({ format: 'der', type: 'spki' })),
  };
}

/** The key pair of a 32-byte secret. */
export const keyPairOf = (secret: Uint8Array): KeyPair => ({
  secret,
  public: tail(createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' })),
});

/** The 32-byte shared secret of X25519; `undefined` for a public key that would make it zero (RFC 7748 section 6.1). */
export function agree(secret: Uint8Array, peer: Uint8Array): Uint8Array | undefined {
  try {
    const shared = diffieHellman({ privateKey: privateKey(secret), publicKey: publicKey(peer) });
    return shared.some((byte) => byte !== 0) ? new Uint8Array(shared) : undefined;
  } catch {
    return undefined; // OpenSSL refuses such keys itself
  }
}

/** SHA-256, 32 bytes. */
export const sha256 = (data: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(data).digest());

/** HMAC-SHA256 (RFC 2104), 32 bytes. */
export const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(data).digest());

/** HKDF-SHA256 (RFC 5869). */
export const hkdf = (
  salt: Uint8Array,
  secret: Uint8Array,
  info: string | Uint8Array,
  length: number,
): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, salt, typeof info === 'string' ? utf8(info) : info, length));

/** AES-256-GCM: the ciphertext with its 16-byte tag behind it. `key` 32 bytes, `iv` 12, for one message only. */
export function seal(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(aad);
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return new Uint8Array(sealed.buffer, sealed.byteOffset, sealed.length);
}

/** What {@link seal} sealed, or `undefined` if it was changed. */
export function open(
  key: Uint8Array,
  iv: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]));
  } catch {
    return undefined;
  }
}
