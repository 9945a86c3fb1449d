import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { encodeBase64url } from '../../util/base64url.js';

/** DER in front of a raw key (RFC 8410; RFC 9935 and 9881 for ML-KEM and ML-DSA seeds and public keys). */
const PREFIX = {
  ed25519Seed: '302e020100300506032b657004220420',
  x25519Secret: '302e020100300506032b656e04220420',
  mlKem768Seed: '3054020100300b060960864801650304040204428040',
  mlKem768Public: '308204b2300b0609608648016503040402038204a100',
  mlDsa65Seed: '3034020100300b060960864801650304031204228020',
  mlDsa65Public: '308207b2300b0609608648016503040312038207a100',
} as const;

const BYTES = {
  ed25519Seed: 32,
  x25519Secret: 32,
  mlKem768Seed: 64,
  mlKem768Public: 1184,
  mlDsa65Seed: 32,
  mlDsa65Public: 1952,
} as const;

/** Checks the length, because OpenSSL ignores what follows the DER. */
function der(kind: keyof typeof PREFIX, raw: Uint8Array): Buffer {
  if (raw.length !== BYTES[kind]) throw new RangeError(`${kind} takes ${BYTES[kind]} bytes`);
  return Buffer.concat([Buffer.from(PREFIX[kind], 'hex'), raw]);
}

export const privateKey = (
  kind: 'ed25519Seed' | 'x25519Secret' | 'mlKem768Seed' | 'mlDsa65Seed',
  raw: Uint8Array,
): KeyObject => createPrivateKey({ key: der(kind, raw), format: 'der', type: 'pkcs8' });

export const pqPublicKey = (kind: 'mlKem768Public' | 'mlDsa65Public', raw: Uint8Array): KeyObject =>
  createPublicKey({ key: der(kind, raw), format: 'der', type: 'spki' });

type Curve = 'Ed25519' | 'X25519';

/** The base64 of the 12 bytes of DER before a raw key. */
const SPKI_PREFIX = { Ed25519: 'MCowBQYDK2VwAyEA', X25519: 'MCowBQYDK2VuAyEA' } as const;

const fromJwk = (crv: Curve, raw: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv, x: encodeBase64url(raw) }, format: 'jwk' });

/** The prefix is a multiple of three bytes, so that its base64 and that of the key can be put together. */
const fromPem = (crv: Curve, raw: Uint8Array): KeyObject => {
  const key = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('base64');
  return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${SPKI_PREFIX[crv]}${key}\n-----END PUBLIC KEY-----\n`);
};

let importOkp: typeof fromJwk | undefined;

/**
 * Each message brings an X25519 key. JWK (RFC 8037) is the faster way in: on Node 20 by a factor of 15. Node 24, though, asks of each
 * object that it is given whether that is a key, by an exception: there text takes a third of the time. Which it is, is found by trying.
 */
export function okpPublicKey(crv: Curve, raw: Uint8Array): KeyObject {
  if (raw.length !== 32) throw new RangeError(`${crv} takes 32 bytes`);
  importOkp ??= timeOf(fromPem) < timeOf(fromJwk) ? fromPem : fromJwk;
  return importOkp(crv, raw);
}

/** The shortest of some, in ms: the first ones are slow everywhere. */
function timeOf(attempt: typeof fromJwk): number {
  const raw = new Uint8Array(32).fill(9);
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 16; i++) {
    const start = performance.now();
    attempt('X25519', raw);
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest;
}

export const rawOkpPublicKey = (key: KeyObject): Uint8Array =>
  Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url');

/** The raw key at the end of an SPKI. */
export const rawPqPublicKey = (key: KeyObject, length: number): Uint8Array =>
  key.export({ format: 'der', type: 'spki' }).subarray(-length);
