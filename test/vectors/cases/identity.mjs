// Identities, DIDs, PKCS#8 and Ed25519 signatures.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { base58 } from '@scure/base';
import { didOf, IDENTITY_INFO, pkcs8Of } from '../reference/identity.mjs';
import { concat, fromHex, toHex, utf8 } from '../reference/notation.mjs';
import { alice, bob, carol, erin, mallory, TORSION as torsionBytes } from '../world.mjs';

const { Point } = ed25519;
const L = Point.Fn.ORDER;

const littleEndian = (bytes) => BigInt(`0x${toHex(bytes.slice().reverse())}`);
const bytes32 = (value) => fromHex(value.toString(16).padStart(64, '0')).reverse();

const TORSION = Point.fromBytes(torsionBytes);

export function identityFile() {
  return {
    about:
      'Identities from seeds; DIDs, PKCS#8 files and Ed25519 signatures, good and bad. Byte strings are hexadecimal.',
    infos: IDENTITY_INFO,
    identities: [alice, bob, mallory, carol, erin].map((identity) => ({
      seed: identity.seed,
      ed25519: identity.publicKey,
      did: identity.did,
      pkcs8: pkcs8Of(identity.seed),
      x25519Secret: identity.derived.x25519,
      x25519: identity.x25519,
      mlKem768Seed: identity.derived.mlKem768,
      mlKem768: identity.mlKem768.publicKey,
      mlDsa65Seed: identity.derived.mlDsa65,
      mlDsa65: identity.mlDsa65.publicKey,
    })),
    badDids: [...badShapes(), ...weakKeys()],
    badPkcs8: badPkcs8(),
    signatures: signatures(),
  };
}

function badShapes() {
  const { did, publicKey } = alice;
  const coded = (...prefix) => `did:key:z${base58.encode(concat(Uint8Array.of(...prefix), publicKey))}`;
  const shapes = {
    empty: '',
    'no did': did.slice(8),
    'another method': 'did:web:example.com',
    'capital letters': did.toUpperCase(),
    'no multibase letter': did.replace(':z6Mk', ':6Mk'),
    'another multibase': did.replace(':z6Mk', ':m6Mk'),
    'with a fragment': `${did}#${did.slice(8)}`,
    'with a line feed': `${did}\n`,
    'with a space in front': ` ${did}`,
    'a character too short': did.slice(0, -1),
    'a character too long': `${did}1`,
    'a character that base58 leaves out': `${did.slice(0, -1)}0`,
    'multicodec of X25519': coded(0xec, 0x01),
    'multicodec of secp256k1': coded(0xe7, 0x01),
    'no multicodec': `did:key:z${base58.encode(publicKey)}`,
    'key of 31 bytes': `did:key:z${base58.encode(concat(Uint8Array.of(0xed, 0x01), publicKey.slice(1)))}`,
    'key of 33 bytes': `did:key:z${base58.encode(concat(Uint8Array.of(0xed, 0x01), publicKey, Uint8Array.of(1)))}`,
  };
  return Object.entries(shapes).map(([name, text]) => ({ name, did: text, error: 'INVALID_DID' }));
}

function weakKeys() {
  const p = 2n ** 255n - 19n;
  const keys = { 'not on the curve': offCurve() };
  for (let k = 0n; k < 8n; k++)
    keys[`of small order, ${k} times a point of order 8`] = (
      k === 0n ? Point.ZERO : TORSION.multiplyUnsafe(k)
    ).toBytes();
  keys['identity with sign bit (x = -0)'] = withSign(bytes32(1n));
  keys['y = p - 1 with sign bit (x = -0)'] = withSign(bytes32(p - 1n));
  for (let y = 0n; y < 19n; y++) {
    if (!isOnCurve(bytes32(y))) continue;
    keys[`y = p + ${y}, non-canonical for ${y}`] = bytes32(p + y);
    keys[`y = p + ${y}, non-canonical for ${y}, with sign bit`] = withSign(bytes32(p + y));
  }
  keys['honest key plus a point of order 8'] = Point.fromBytes(alice.publicKey).add(TORSION).toBytes();
  keys['honest key plus a point of order 2'] = Point.fromBytes(alice.publicKey)
    .add(TORSION.multiplyUnsafe(4n))
    .toBytes();
  return Object.entries(keys).map(([name, key]) => ({
    name,
    key,
    did: didOf(key),
    error: 'INVALID_DID:WEAK_KEY',
  }));
}

const withSign = (bytes) => {
  bytes[31] |= 0x80;
  return bytes;
};
const isOnCurve = (bytes) => {
  try {
    Point.fromBytes(bytes, true);
    return true;
  } catch {
    return false;
  }
};
function offCurve() {
  for (let y = 2n; ; y++) if (!isOnCurve(bytes32(y))) return bytes32(y);
}

function badPkcs8() {
  const good = pkcs8Of(alice.seed);
  const changed = (at, value) => {
    const out = good.slice();
    out[at] = value;
    return out;
  };
  const files = {
    empty: new Uint8Array(0),
    'the bare seed': alice.seed,
    'cut by one byte': good.slice(0, -1),
    'with a byte behind': concat(good, Uint8Array.of(0)),
    'of an X25519 key': changed(11, 0x6e),
    'version 2': changed(4, 1),
    'the first line of PEM': utf8('-----BEGIN PRIVATE KEY-----\n'),
  };
  return Object.entries(files).map(([name, pkcs8]) => ({ name, pkcs8, error: 'INVALID_PKCS8' }));
}

/** Signatures that verifiers are known to judge differently, made for the key of alice. */
function signatures() {
  const message = utf8('xlink');
  const scalar = littleEndian(clamp(sha512(alice.seed).slice(0, 32))) % L;
  const challenge = (R) => littleEndian(sha512(concat(R, alice.publicKey, message))) % L;
  /** R as given, S such that S·B = r·B + h·A. */
  const withR = (R, r) => concat(R, bytes32((r + challenge(R) * scalar) % L));
  const good = ed25519.sign(message, alice.seed);
  const S = littleEndian(good.slice(32));
  const p = 2n ** 255n - 19n;
  const cases = [
    ['plain', good, true],
    ['R is the identity', withR(Point.ZERO.toBytes(), 0n), false],
    ['S + L', concat(good.slice(0, 32), bytes32(S + L)), false],
    ['S = L', concat(good.slice(0, 32), bytes32(L)), false],
    [
      'R with a torsion part: only the cofactored equation holds',
      withR(Point.BASE.multiply(7n).add(TORSION).toBytes(), 7n),
      false,
    ],
    ['R is the identity, y = p + 1', withR(bytes32(p + 1n), 0n), false],
    ['R is the identity, x = -0', withR(withSign(bytes32(1n)), 0n), false],
    ['all zero', new Uint8Array(64), false],
    ['63 bytes', good.slice(0, 63), false],
    ['65 bytes', concat(good, Uint8Array.of(0)), false],
    ['of another message', ed25519.sign(utf8('xlinK'), alice.seed), false],
    ['of another key', ed25519.sign(message, bob.seed), false],
  ];
  return cases.map(([name, signature, valid]) => ({
    name,
    publicKey: alice.publicKey,
    message,
    signature,
    valid,
  }));
}

function clamp(bytes) {
  bytes[0] &= 248;
  bytes[31] = (bytes[31] & 127) | 64;
  return bytes;
}
