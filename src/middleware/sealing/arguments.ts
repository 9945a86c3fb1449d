import { EMPTY } from '../../crypto/bytes.js';
import { encodeUtf8 } from '../../util/utf8.js';

/** What Node's `write` and `end` are called with: bytes or text, perhaps an encoding, perhaps a callback. */
type Arguments = readonly unknown[];

/** The bytes that are to be written. A copy is not made. */
export function bytesOf([chunk, encoding]: Arguments): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk !== 'string') return EMPTY;
  return encodeText(chunk, typeof encoding === 'string' ? encoding : 'utf8');
}

/** Node's legacy encodings are for Node to decode; elsewhere there is UTF-8 only. */
function encodeText(text: string, encoding: string): Uint8Array {
  const native = (globalThis as { Buffer?: { from(text: string, encoding: string): Uint8Array } }).Buffer;
  return native ? native.from(text, encoding) : encodeUtf8(text);
}

/** The callback among them. */
export const callbackIn = (args: Arguments): (() => void) | undefined =>
  args.find((value) => typeof value === 'function') as (() => void) | undefined;
