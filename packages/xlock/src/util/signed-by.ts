import { decodeDidKey } from '@private.me/xlink/verify';
import { signatureCheckerOf } from './primitives.js';

type Checker = ReturnType<typeof signatureCheckerOf>;

const MOST_KEYS = 1000;
const checkers = new Map<string, Checker>();

/** The key of a DID; throws for what is no did:key of Ed25519, or one of a weak key. */
function checkerOf(did: string): Checker {
  const known = checkers.get(did);
  if (known) return known;
  const checker = signatureCheckerOf(decodeDidKey(did));
  if (checkers.size >= MOST_KEYS) checkers.clear();
  checkers.set(did, checker);
  return checker;
}

/** Whether the key of a DID made an Ed25519 signature (RFC 8032). `false`, too, for what is no DID. */
export function isSignedBy(did: string, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return checkerOf(did)(message, signature);
  } catch {
    return false;
  }
}

/** Whether a value is a DID of this kind. */
export function isDid(did: unknown): did is string {
  try {
    checkerOf(did as string);
    return true;
  } catch {
    return false;
  }
}
