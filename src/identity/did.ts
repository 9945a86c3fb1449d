import { base58 } from '@scure/base';
import { concat } from '../crypto/bytes.js';
import { isStrictEd25519Key } from '../crypto/ed25519-rules.js';
import { xlinkError } from '../errors/errors.js';
import type { Did } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { ownText } from '../util/own-text.js';

/** Multicodec `ed25519-pub` (0xed) as an unsigned varint. */
const ED25519_PUB = Uint8Array.of(0xed, 0x01);
const PREFIX = 'did:key:z';
/** 34 bytes that start with 0xed01 are always 47 base58 characters that start with `6Mk`. */
const SHAPE = /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/;

/** Strict keys by DID: the subgroup check costs a scalar multiplication. */
const checked = new BoundedMap<Did, Uint8Array>(10_000);

/** The did:key of a 32-byte Ed25519 public key (did:key, multicodec 0xed01, base58btc). */
export function encodeDidKey(publicKey: Uint8Array): Did {
  if (publicKey.length !== 32) throw xlinkError('INVALID_DID', { field: 'publicKey' });
  return PREFIX + base58.encode(concat([ED25519_PUB, publicKey]));
}

/** Whether a value has the shape of the DIDs used here. Cheap: says nothing about the key inside. */
export const looksLikeDidKey = (value: unknown): value is Did =>
  typeof value === 'string' && SHAPE.test(value);

/**
 * The 32-byte Ed25519 public key of a did:key. Throws `INVALID_DID` for any other string, and `INVALID_DID:WEAK_KEY`
 * for keys that are non-canonical, of small order or outside the prime-order subgroup: on those, verifiers disagree.
 */
export function decodeDidKey(did: Did): Uint8Array {
  const known = checked.get(did);
  if (known) return known.slice();
  if (!looksLikeDidKey(did)) throw xlinkError('INVALID_DID');
  const bytes = base58.decode(did.slice(PREFIX.length));
  if (bytes.length !== 34 || bytes[0] !== ED25519_PUB[0] || bytes[1] !== ED25519_PUB[1])
    throw xlinkError('INVALID_DID');
  const publicKey = bytes.slice(2);
  if (!isStrictEd25519Key(publicKey)) throw xlinkError('INVALID_DID:WEAK_KEY');
  checked.set(ownText(did), publicKey);
  return publicKey.slice();
}
