import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat } from '../../src/crypto/bytes.js';

/** Ed25519 signatures built from the definition, so that each part can be off on purpose. */
export const Point = ed25519.Point;
export type Point = InstanceType<typeof Point>;
export const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;
const SIGN_BIT = 1n << 255n;

/** 32 bytes, little-endian; not reduced. */
export function littleEndian(value: bigint): Uint8Array {
  const out = new Uint8Array(32);
  for (let i = 0; i < 32; i++) out[i] = Number((value >> BigInt(8 * i)) & 255n);
  return out;
}

export function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** [k]P for any k, of points outside the prime-order subgroup too. */
export function times(point: Point, k: bigint): Point {
  let sum = Point.ZERO;
  for (const bit of k.toString(2)) {
    sum = sum.double();
    if (bit === '1') sum = sum.add(point);
  }
  return sum;
}

/** The eight points of small order: multiples of [L]Q, for the first Q that gives one of order 8. */
export const torsion: readonly Point[] = (() => {
  for (let y = 2n; ; y++) {
    const q = decode(littleEndian(y));
    const t = q && times(q, L);
    if (t && !times(t, 4n).is0()) return Array.from({ length: 8 }, (_, i) => times(t, BigInt(i)));
  }
})();

export function decode(bytes: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return undefined;
  }
}

/** Every 32-byte string that a lenient decoder takes for this point, the canonical one first. */
export function encodings(point: Point): Uint8Array[] {
  const canonical = point.toBytes();
  const { x, y } = point.toAffine();
  const sign = fromLittleEndian(canonical) & SIGN_BIT;
  const values = [y | sign];
  if (y + P < SIGN_BIT) values.push((y + P) | sign);
  // -0 = 0, so the sign bit may be set as well.
  if (x === 0n) values.push(...values.map((value) => value | SIGN_BIT));
  return values.map(littleEndian);
}

/** h = SHA-512(R || A || M), not reduced. */
export const challenge = (R: Uint8Array, A: Uint8Array, message: Uint8Array): bigint =>
  fromLittleEndian(sha512(concat([R, A, message])));

export const signature = (R: Uint8Array, S: bigint): Uint8Array => concat([R, littleEndian(S)]);

/** The S that belongs to R = [r]B (plus whatever its encoding hides) under the secret scalar a. */
export const response = (r: bigint, a: bigint, R: Uint8Array, A: Uint8Array, message: Uint8Array): bigint =>
  (r + challenge(R, A, message) * a) % L;
