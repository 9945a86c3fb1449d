import { equalBytes, lengthPrefixed } from '../crypto/bytes.js';
import { xlinkError } from '../errors/errors.js';
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js';

/** The payload as JSON bytes. Throws `PAYLOAD_NOT_SERIALIZABLE`. */
export function encodePayload(payload: unknown): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (cause) {
    throw xlinkError('PAYLOAD_NOT_SERIALIZABLE', { field: 'payload', cause });
  }
  if (text === undefined) throw xlinkError('PAYLOAD_NOT_SERIALIZABLE', { field: 'payload' });
  return encodeUtf8(text);
}

/** The JSON value of payload bytes. Throws `DECRYPT_FAILED:PARSE`; `cause` is left out, it would quote the payload. */
export function decodePayload(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    throw xlinkError('DECRYPT_FAILED:PARSE', { field: 'payload' });
  }
}

/** What is encrypted: the DID of the sender, length-prefixed, then the payload (against stripping and re-signing). */
export const framePlaintext = (from: Uint8Array, content: Uint8Array): Uint8Array => {
  const frame = lengthPrefixed([from]);
  const out = new Uint8Array(frame.length + content.length);
  out.set(frame);
  out.set(content, frame.length);
  return out;
};

/** The payload bytes of a frame that names `from`. Throws `DECRYPT_FAILED:SENDER_MISMATCH`. */
export function unframePlaintext(from: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const frame = lengthPrefixed([from]);
  if (!equalBytes(plaintext.subarray(0, frame.length), frame))
    throw xlinkError('DECRYPT_FAILED:SENDER_MISMATCH', { field: 'payload' });
  return plaintext.subarray(frame.length);
}
