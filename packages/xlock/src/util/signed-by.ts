import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { decodeDidKey } from '@private.me/xlink/verify';

const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const MOST_KEYS = 1000;
const keys = new Map<string, KeyObject>();

/** The key of a DID; throws for what is no did:key of Ed25519, or one of a weak key. */
function keyOf(did: string): KeyObject {
  const known = keys.get(did);
  if (known) return known;
  const key = createPublicKey({
    key: Buffer.concat([SPKI, decodeDidKey(did)]),
    format: 'der',
    type: 'spki',
  });
  if (keys.size >= MOST_KEYS) keys.clear();
  keys.set(did, key);
  return key;
}

/** Whether the key of a DID made an Ed25519 signature (RFC 8032). `false`, too, for what is no DID. */
export function isSignedBy(did: string, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, message, keyOf(did), signature);
  } catch {
    return false;
  }
}

/** Whether a value is a DID of this kind. */
export function isDid(did: unknown): did is string {
  try {
    keyOf(did as string);
    return true;
  } catch {
    return false;
  }
}
