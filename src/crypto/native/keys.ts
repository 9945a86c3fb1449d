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

/** JWK (RFC 8037) is the fastest way in and out: on Node 20 by a factor of 18 against DER. */
export const okpPublicKey = (crv: 'Ed25519' | 'X25519', raw: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv, x: encodeBase64url(raw) }, format: 'jwk' });

export const rawOkpPublicKey = (key: KeyObject): Uint8Array =>
  Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url');

/** The raw key at the end of an SPKI. */
export const rawPqPublicKey = (key: KeyObject, length: number): Uint8Array =>
  key.export({ format: 'der', type: 'spki' }).subarray(-length);
