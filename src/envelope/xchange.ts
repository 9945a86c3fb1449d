import { concat } from '../crypto/bytes.js';
import { expandMessageKey } from '../crypto/key-schedule.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { Did } from '../types/protocol.js';
import { openCommitted } from './open.js';
import { type Content, framePlaintext, unframePlaintext } from './plaintext.js';
import { XCHANGE_LABEL } from './seal.js';

/** Bytes of a content key. */
export const CONTENT_KEY_BYTES = 32;

/** Between whom a group of envelopes travels, and the transcript of what they have in common. */
export interface XchangeGroup {
  readonly from: Did;
  readonly to: Did;
  readonly transcript: Uint8Array;
}

const messageKey = (crypto: CryptoProvider, key: Uint8Array, { from, to }: XchangeGroup) =>
  expandMessageKey(crypto, key, XCHANGE_LABEL, from, to);

/** Encrypts the payload of all envelopes of a group. `key` is random and fresh, 32 bytes. */
export async function sealXchange(
  crypto: CryptoProvider,
  key: Uint8Array,
  group: XchangeGroup,
  content: Content,
): Promise<Uint8Array> {
  const { key: aesKey, iv, commitment } = await messageKey(crypto, key, group);
  const frame = framePlaintext('message', group.from, content);
  return concat([commitment, await crypto.aes256gcm.seal(aesKey, iv, group.transcript, frame)]);
}

/** The content. Throws `DECRYPT_FAILED:DECRYPTION`, `DECRYPT_FAILED:SENDER_MISMATCH` or `DECRYPT_FAILED:PARSE`. */
export async function openXchange(
  crypto: CryptoProvider,
  key: Uint8Array,
  group: XchangeGroup,
  ciphertext: Uint8Array,
): Promise<Content> {
  const isKey = key.length === CONTENT_KEY_BYTES;
  const plaintext = isKey
    ? await openCommitted(crypto, await messageKey(crypto, key, group), group.transcript, ciphertext)
    : undefined;
  if (!plaintext) throw xlinkError('DECRYPT_FAILED:DECRYPTION', { field: 'payload' });
  return unframePlaintext('message', group.from, plaintext);
}
