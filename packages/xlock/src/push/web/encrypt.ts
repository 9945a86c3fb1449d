import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

/** Longest text that is sent, in bytes: a record of 4096 (RFC 8291 section 4) without its header, delimiter and tag. */
export const MAX_PLAINTEXT_BYTES = 4096 - 86 - 1 - 16;

/** What is drawn at random for each message; only tests, which follow a vector, pass it. */
export interface Drawn {
  /** Private key of the sender, P-256, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

/**
 * Seals a message for a browser: RFC 8291, in the content coding `aes128gcm` of RFC 8188, one record. `p256dh`: the browser's public key, 65 bytes
 * uncompressed; `auth`: its secret, 16 bytes. Throws for a key that is no point of P-256, and for a text that is too long.
 */
export function encryptPush(
  text: Uint8Array,
  p256dh: Uint8Array,
  auth: Uint8Array,
  drawn?: Drawn,
): Uint8Array<ArrayBuffer> {
  if (text.length > MAX_PLAINTEXT_BYTES) throw new RangeError('The message is too long for Web Push.');
  const ecdh = createECDH('prime256v1');
  if (drawn) ecdh.setPrivateKey(drawn.privateKey);
  else ecdh.generateKeys();
  const own = ecdh.getPublicKey();
  const salt = drawn?.salt ?? randomBytes(16);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, own]);
  const secret = derived(ecdh.computeSecret(p256dh), auth, info, 32);
  const key = derived(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = derived(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(4096);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const sealed = [cipher.update(text), cipher.update(Uint8Array.of(2)), cipher.final(), cipher.getAuthTag()];
  return Uint8Array.from(Buffer.concat([salt, size, Uint8Array.of(own.length), own, ...sealed]));
}

const derived = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, length));

/** Whether 65 bytes are an uncompressed point of P-256: for another one nothing can be sealed. */
export function isPoint(p256dh: Uint8Array): boolean {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  try {
    return ecdh.computeSecret(p256dh).length === 32;
  } catch {
    return false;
  }
}
