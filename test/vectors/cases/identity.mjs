// Identities, DIDs, PKCS#8, Ed25519 signatures, key records and request bindings.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { base58 } from '@scure/base';
import { concat, didOf, fromHex, IDENTITY_INFO, pkcs8Of, signRecord, toHex, utf8 } from './reference.mjs';
import { alice, bob, carol, EPOCH, erin, fixed, mallory, NOW } from './world.mjs';

const { Point } = ed25519;
const L = Point.Fn.ORDER;

const littleEndian = (bytes) => BigInt(`0x${toHex(bytes.slice().reverse())}`);
const bytes32 = (value) => fromHex(value.toString(16).padStart(64, '0')).reverse();

/** A point of order 8, in its usual encoding. */
const TORSION = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');

// ------------------------------------------------------------------------------------------------------------ identity

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
    'PEM instead of DER': utf8('-----BEGIN PRIVATE KEY-----\n'),
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

// --------------------------------------------------------------------------------------------------------- key records

const none = { mlKem768: undefined, mlDsa65: undefined };

export function keyRecordFile() {
  const full = signRecord(alice, EPOCH);
  const good = [
    ['keys for version 1', signRecord(alice, EPOCH, none), 1],
    ['keys for version 2', signRecord(alice, EPOCH, { mlDsa65: undefined }), 2],
    ['keys for version 3', full, 3],
    ['epoch 0', signRecord(alice, 0), 3],
    ['highest epoch', signRecord(alice, Number.MAX_SAFE_INTEGER), 3],
  ];
  return {
    about: 'Key records, good and bad, and what a peer with a memory says to one record after another.',
    good: good.map(([name, { record, transcript }, version]) => ({
      name,
      seed: alice.seed,
      version,
      transcript,
      record,
    })),
    bad: badRecords(full.record),
    sequences: sequences(),
    unusable: unusable(),
  };
}

function badRecords(full) {
  const bad = [];
  const add = (name, record, error = 'KEY_RECORD_INVALID') => bad.push({ name, record, error });
  for (const [name, value] of Object.entries(full)) {
    if (name === 'did') continue;
    const optional = name === 'mlKem768' || name === 'mlDsa65';
    add(`${name}: removed${optional ? ' after signing' : ''}`, { ...full, [name]: undefined });
    add(`${name}: changed`, { ...full, [name]: typeof value === 'number' ? value + 1 : flip(value) });
    add(`${name}: wrong type`, { ...full, [name]: typeof value === 'number' ? String(value) : 7 });
    add(`${name}: null`, { ...full, [name]: null });
    if (typeof value !== 'string') continue;
    add(`${name}: empty`, { ...full, [name]: '' });
    add(`${name}: too short`, { ...full, [name]: value.slice(0, -4) });
    add(`${name}: too long`, { ...full, [name]: `${value}AAAA` });
    add(`${name}: with padding`, { ...full, [name]: `${value}=` });
  }
  for (const epoch of [-1, 0.5, 2 ** 53]) add(`epoch: ${epoch}`, { ...full, epoch });
  add('did: of somebody else', { ...full, did: bob.did });
  add('did: removed', { ...full, did: undefined }, 'INVALID_DID');
  add('did: cut', { ...full, did: full.did.slice(0, -1) }, 'INVALID_DID');
  add('signed by somebody else', { ...signRecord(mallory, EPOCH).record, did: alice.did });
  add('keys of somebody else under the signature of the owner', {
    ...signRecord(mallory, EPOCH).record,
    did: alice.did,
    signature: full.signature,
  });
  add(
    'ML-DSA key without ML-KEM key, properly signed',
    signRecord(alice, EPOCH, { mlKem768: undefined }).record,
  );
  add('ML-KEM and ML-DSA key stripped', { ...full, ...none });
  return bad;
}

const flip = (text) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);

function sequences() {
  const at = (offset, keys) => signRecord(alice, EPOCH + offset, keys).record;
  const otherX = { x25519: carol.x25519 };
  return [
    ['the same record again', [[at(0)], [at(0)]]],
    [
      'a newer record, then the older one',
      [[at(0)], [at(1, otherX)], [at(0), 'KEY_RECORD_ROLLED_BACK'], [at(1, otherX)]],
    ],
    [
      'the same keys under other epochs',
      [[at(0)], [at(5)], [at(2)], [at(3, otherX), 'KEY_RECORD_ROLLED_BACK'], [at(6, otherX)]],
    ],
    ['other keys of the same epoch', [[at(0)], [at(0, otherX), 'KEY_RECORD_ROLLED_BACK'], [at(0)]]],
    ['fewer keys of the same epoch', [[at(0)], [at(0, none), 'KEY_RECORD_ROLLED_BACK']]],
    [
      'a newer record without the ML-DSA key',
      [[at(0)], [at(1, { mlDsa65: undefined }), 'KEY_RECORD_DOWNGRADED'], [at(0)]],
    ],
    ['a newer record without post-quantum keys', [[at(0)], [at(1, none), 'KEY_RECORD_DOWNGRADED']]],
    ['no record where there was one', [[at(0)], [null, 'KEY_RECORD_DOWNGRADED'], [at(0)]]],
    ['a record where there was none', [[null], [at(0, none)], [at(1, { mlDsa65: undefined })], [at(2)]]],
    [
      'an invalid record changes nothing',
      [[at(0)], [{ ...at(1), epoch: EPOCH + 2 }, 'KEY_RECORD_INVALID'], [at(1)]],
    ],
    ['a record of somebody else', [[signRecord(bob, EPOCH).record, 'KEY_RECORD_INVALID'], [at(0)]]],
    ['after forgetting the peer', [[at(1)], ['forget'], [at(0, none)]]],
  ].map(([name, steps]) => ({
    name,
    did: alice.did,
    steps: steps.map(([record, error]) =>
      record === 'forget' ? { forget: true } : { record, ...(error ? { error } : {}) },
    ),
  }));
}

/** Properly signed records with keys that no sender may use. */
function unusable() {
  const cases = [
    ['X25519 key zero', { ...none, x25519: new Uint8Array(32) }],
    [
      'X25519 key of order 8',
      { ...none, x25519: fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800') },
    ],
    [
      'ML-KEM key that fails the modulus check',
      { mlDsa65: undefined, mlKem768: fixed('', 1184).map(() => 0xff) },
    ],
  ];
  return cases.map(([name, keys]) => ({
    name,
    record: signRecord(bob, EPOCH, keys).record,
    now: NOW,
    error: 'KEY_AGREEMENT_FAILED',
  }));
}

// ----------------------------------------------------------------------------------------------------- request binding

export function requestBindingFile() {
  const canonical = [
    ['GET', '/', 'GET /'],
    ['get', '/orders', 'GET /orders'],
    ['POST', '/orders?limit=5&after=%2Fa', 'POST /orders?limit=5&after=%2Fa'],
    ['OPTIONS', '*', 'OPTIONS *'],
    ['GET', '/a?', 'GET /a?'],
    ['GET', '/a//b/../c', 'GET /a//b/../c'],
    ['GET', '/%7Euser/~user', 'GET /%7Euser/~user'],
    ['GET', '/%e9', 'GET /%e9'],
    ['GET', '/?a=1&a=2', 'GET /?a=1&a=2'],
    ['GET', "/!$&'()*+,;=:@-._~|^`{}<>[]", "GET /!$&'()*+,;=:@-._~|^`{}<>[]"],
    ['GET', '/a b', 'GET /a%20b'],
    ['GET', '/?q="x"', 'GET /?q=%22x%22'],
    ['GET', '/a\\b', 'GET /a%5Cb'],
    ['GET', '/a\tb\u007f', 'GET /a%09b%7F'],
    ['GET', '/caf\u00c3\u00a9', 'GET /caf%C3%A9'],
    ['GET', '/caf\u00e9', 'GET /caf%E9'],
    ['GET', '/\u2603', 'GET /%E2%98%83'],
    ['GET', '/\u{1f600}', 'GET /%F0%9F%98%80'],
  ];
  const checks = [
    ['equal', 'GET /a?b=1', 'GET /a?b=1', true],
    ['equal, not required', 'GET /a', 'GET /a', false],
    ['absent, not required', undefined, 'GET /a', false],
    ['absent, required', undefined, 'GET /a', true, 'REQUEST_BINDING_REQUIRED'],
    ['another method', 'GET /a', 'HEAD /a', true, 'REQUEST_BINDING_MISMATCH'],
    ['another path, not required', 'GET /a', 'GET /b', false, 'REQUEST_BINDING_MISMATCH'],
    ['another query', 'GET /a?b=1', 'GET /a?b=2', true, 'REQUEST_BINDING_MISMATCH'],
    ['query in another order', 'GET /a?b=1&c=2', 'GET /a?c=2&b=1', true, 'REQUEST_BINDING_MISMATCH'],
    ['query mark without query', 'GET /a', 'GET /a?', true, 'REQUEST_BINDING_MISMATCH'],
    ['slash at the end', 'GET /a', 'GET /a/', true, 'REQUEST_BINDING_MISMATCH'],
    ['capital letters in the path', 'GET /a', 'GET /A', true, 'REQUEST_BINDING_MISMATCH'],
    ['percent-encoding in other letters', 'GET /%e9', 'GET /%E9', true, 'REQUEST_BINDING_MISMATCH'],
    ['percent-encoding of a letter', 'GET /a', 'GET /%61', true, 'REQUEST_BINDING_MISMATCH'],
  ];
  return {
    about:
      'The text of a request binding from method and request target (each character one byte of the wire up to U+00FF), and the comparison on receipt.',
    canonical: canonical.map(([method, target, request]) => ({ method, target, request })),
    checks: checks.map(([name, signed, actual, required, error]) => ({
      name,
      signed,
      actual,
      required,
      error,
    })),
  };
}
