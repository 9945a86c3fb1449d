import { decodeDidKey } from '@private.me/xlink';

/** Whether it is the DID of a key that can sign. */
export function isDidKey(text: string): boolean {
  try {
    return decodeDidKey(text).length === 32;
  } catch {
    return false;
  }
}
