import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { Did } from '../types/protocol.js';
import { encodeUtf8 } from '../util/utf8.js';
import { framePlaintext, unframePlaintext } from './plaintext.js';

/** Bytes of a content key. */
export const CONTENT_KEY_BYTES = 32;

/** A content key encrypts once, so its IV is always the same. */
const ZERO_IV = new Uint8Array(12);

/** Encrypts the payload of all envelopes of a group. `key` is random and fresh, `group` the transcript of the group. */
export const sealXchange = async (
  { aes256gcm }: CryptoProvider,
  key: Uint8Array,
  group: Uint8Array,
  from: Did,
  content: Uint8Array,
): Promise<Uint8Array> => aes256gcm.seal(key, ZERO_IV, group, framePlaintext(encodeUtf8(from), content));

/** The payload bytes. Throws `DECRYPT_FAILED:DECRYPTION` or `DECRYPT_FAILED:SENDER_MISMATCH`. */
export async function openXchange(
  { aes256gcm }: CryptoProvider,
  key: Uint8Array,
  group: Uint8Array,
  from: Did,
  ciphertext: Uint8Array,
): Promise<Uint8Array> {
  const isKey = key.length === CONTENT_KEY_BYTES;
  const plaintext = isKey ? await aes256gcm.open(key, ZERO_IV, group, ciphertext) : undefined;
  if (!plaintext) throw xlinkError('DECRYPT_FAILED:DECRYPTION', { field: 'payload' });
  return unframePlaintext(encodeUtf8(from), plaintext);
}
