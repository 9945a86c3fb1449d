import { concat } from '../../util/bytes.js';
import { hkdf, hmac } from '../crypto/primitives.js';
import { KEM_ROOT_INFO, MESSAGE_INFO, ROOT_INFO } from '../labels.js';

const ZERO = new Uint8Array(32);
const MESSAGE_KEY = Uint8Array.of(1);
const CHAIN_KEY = Uint8Array.of(2);

/** A step of the root chain: the next root key, and the key of a new chain; 32 bytes each. */
export function rootStep(
  root: Uint8Array,
  dh: Uint8Array,
  kemSecret?: Uint8Array,
): { readonly root: Uint8Array; readonly chain: Uint8Array } {
  const out = kemSecret
    ? hkdf(root, concat(dh, kemSecret), KEM_ROOT_INFO, 64)
    : hkdf(root, dh, ROOT_INFO, 64);
  return { root: out.slice(0, 32), chain: out.slice(32) };
}

/** A step of a message chain: the key of a message, and that of the chain from there on; 32 bytes each. */
export const chainStep = (
  chain: Uint8Array,
): { readonly message: Uint8Array; readonly chain: Uint8Array } => ({
  message: hmac(chain, MESSAGE_KEY),
  chain: hmac(chain, CHAIN_KEY),
});

/** AES-256-GCM key and IV of one message. */
export function messageKey(message: Uint8Array): { readonly key: Uint8Array; readonly iv: Uint8Array } {
  const out = hkdf(ZERO, message, MESSAGE_INFO, 44);
  return { key: out.slice(0, 32), iv: out.slice(32) };
}
