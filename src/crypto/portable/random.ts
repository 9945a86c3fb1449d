import type { RandomBytes } from '../../types/protocol.js';

/** Most that `getRandomValues` gives at once (Web Cryptography API, section 10.1.1). */
const QUOTA = 65536;

export const webRandomBytes: RandomBytes = (length) => {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += QUOTA) globalThis.crypto.getRandomValues(out.subarray(at, at + QUOTA));
  return out;
};
