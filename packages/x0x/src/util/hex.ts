import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';

export { bytesToHex };

/** The bytes of hex digits; `undefined` for anything else, and for another length than `length`, if one is given. */
export function bytesOfHex(text: unknown, length?: number): Uint8Array | undefined {
  if (typeof text !== 'string' || !/^(?:[0-9a-fA-F]{2})*$/.test(text)) return undefined;
  if (length !== undefined && text.length !== length * 2) return undefined;
  return hexToBytes(text);
}

/** An id in lower case. Throws `KEY_INVALID`. */
export function parseId(text: unknown, field = 'agent_id'): string {
  const bytes = bytesOfHex(text, 32);
  if (!bytes) throw new X0xError('KEY_INVALID', { field });
  return bytesToHex(bytes);
}
