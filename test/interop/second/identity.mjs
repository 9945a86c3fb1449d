// Identity: docs/PROTOCOL.md, section 2.
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { base58 } from '@scure/base';
import { concat, equal, fail, fromHex, HKDF, toHex, utf8 } from './bytes.mjs';

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const PREFIX = fromHex('302e020100300506032b657004220420');
const DID = /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/;

export const isDidShape = (text) => typeof text === 'string' && text.length === 56 && DID.test(text);

export const didOf = (publicKey) => `did:key:z${base58.encode(concat(Uint8Array.of(0xed, 1), publicKey))}`;

/** The key inside a DID, not yet judged by 2.3. */
export function rawKeyOf(did) {
  if (!isDidShape(did)) fail('INVALID_DID');
  const bytes = base58.decode(did.slice('did:key:z'.length));
  if (bytes.length !== 34 || bytes[0] !== 0xed || bytes[1] !== 1) fail('INVALID_DID');
  return bytes.slice(2);
}

const decoded = new Map();

/** The point, or undefined if 2.3 refuses the key. */
function decodeKey(publicKey) {
  const name = toHex(publicKey);
  if (!decoded.has(name)) {
    let A;
    try {
      A = Point.fromBytes(publicKey, false);
      if (A.isSmallOrder() || !A.isTorsionFree()) A = undefined;
    } catch {}
    decoded.set(name, A);
  }
  return decoded.get(name);
}

/** Whether 2.3 takes the key. */
export const isGoodKey = (publicKey) => decodeKey(publicKey) !== undefined;

export function publicKeyOf(did) {
  const key = rawKeyOf(did);
  return isGoodKey(key) ? key : fail('INVALID_DID:WEAK_KEY');
}

const little = (bytes) => bytes.reduceRight((n, b) => (n << 8n) | BigInt(b), 0n);

// The vectors show the same few signatures again and again.
const verdicts = new Map();

export function verifyEd25519(signature, message, publicKey) {
  if (signature.length !== 64) return false;
  const A = decodeKey(publicKey);
  const R = signature.slice(0, 32);
  const S = little(signature.slice(32));
  if (!A || S >= L || (R[0] === 1 && R.slice(1).every((b) => b === 0))) return false;
  const digest = sha512(concat(R, publicKey, message));
  const name = toHex(concat(signature, digest));
  if (!verdicts.has(name)) {
    const h = little(digest) % L;
    const P = Point.BASE.multiplyUnsafe(S).subtract(A.multiplyUnsafe(h));
    verdicts.set(name, equal(P.toBytes(), R));
  }
  return verdicts.get(name);
}

/** All keys of a seed; `version` is the highest version the identity takes part in. */
export function identityFromSeed(seed, version = 3) {
  const ed = ed25519.getPublicKey(seed);
  const x = HKDF(seed, utf8('xlink/1 identity x25519'), 32);
  const id = {
    seed,
    version,
    did: didOf(ed),
    ed25519: ed,
    x25519: { secretKey: x, publicKey: x25519.getPublicKey(x) },
  };
  if (version >= 2) id.mlKem768 = ml_kem768.keygen(HKDF(seed, utf8('xlink/1 identity ml-kem-768'), 64));
  if (version >= 3) id.mlDsa65 = ml_dsa65.keygen(HKDF(seed, utf8('xlink/1 identity ml-dsa-65'), 32));
  return id;
}

export const signEd25519 = (message, seed) => ed25519.sign(message, seed);
export const toPkcs8 = (seed) => concat(PREFIX, seed);

export function fromPkcs8(der) {
  if (der.length !== 48 || !equal(der.slice(0, 16), PREFIX)) fail('INVALID_PKCS8');
  return der.slice(16);
}
