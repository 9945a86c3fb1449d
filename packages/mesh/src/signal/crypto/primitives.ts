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
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { utf8 } from '../../util/bytes.js';

/** An X25519 key pair (RFC 7748): 32 bytes each. */
export interface KeyPair {
  readonly secret: Uint8Array;
  readonly public: Uint8Array;
}

const TAG_BYTES = 16;
const OKP = { kty: 'OKP', crv: 'X25519' } as const;
const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
const toBytes = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text!, 'base64url'));

// JWK (RFC 8037) is the fastest way in and out: DER takes six times as long on Node 20.
const publicKey = (bytes: Uint8Array): KeyObject =>
  createPublicKey({ key: { ...OKP, x: toText(bytes) }, format: 'jwk' });
/** A JWK has to name a public key. It is not read: that of the key object follows from the secret. */
const privateKey = (secret: Uint8Array): KeyObject =>
  createPrivateKey({ key: { ...OKP, d: toText(secret), x: ANY_KEY }, format: 'jwk' });
const ANY_KEY = toText(new Uint8Array(32).fill(9));

/** A fresh X25519 key pair. The generator exports it: on Node 20 a generated key that is exported afterwards can hang. */
export function newKeyPair(): KeyPair {
  const encoding = { format: 'jwk' };
  const options = { publicKeyEncoding: encoding, privateKeyEncoding: encoding } as object;
  const pair = generateKeyPairSync('x25519', options) as unknown as { readonly privateKey: JsonWebKey };
  return { secret: toBytes(pair.privateKey.d), public: toBytes(pair.privateKey.x) };
}

/** The key pair of a 32-byte secret. */
export const keyPairOf = (secret: Uint8Array): KeyPair => ({
  secret,
  public: toBytes(privateKey(secret).export({ format: 'jwk' }).x),
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
