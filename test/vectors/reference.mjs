// The protocol written a second time, from the text of docs/PROTOCOL.md and on top of noble alone. It shares no line
// with src/: the test vectors it makes and the package check each other. Section numbers are those of that page.
import { gcm } from '@noble/ciphers/aes.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { base58, base64urlnopad } from '@scure/base';

export { bytesToHex as toHex, concatBytes as concat, hexToBytes as fromHex, sha256, utf8ToBytes as utf8 };
export const b64u = (bytes) => base64urlnopad.encode(bytes);

// 1 Notation
const EMPTY = new Uint8Array(0);
const u32 = (value) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
export const u64 = (value) => concatBytes(u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32));
export const LP = (...parts) => concatBytes(...parts.flatMap((part) => [u32(part.length), part]));
export const hkdfSha256 = (ikm, info, length) => hkdf(sha256, ikm, EMPTY, info, length);

// 2 Identity
export const IDENTITY_INFO = {
  x25519: 'xlink/1 identity x25519',
  mlKem768: 'xlink/1 identity ml-kem-768',
  mlDsa65: 'xlink/1 identity ml-dsa-65',
};

export const didOf = (publicKey) =>
  `did:key:z${base58.encode(concatBytes(Uint8Array.of(0xed, 0x01), publicKey))}`;
export const pkcs8Of = (seed) => concatBytes(hexToBytes('302e020100300506032b657004220420'), seed);

export function identityOf(seed, maxVersion = 3) {
  const derive = (name, length) => hkdfSha256(seed, utf8ToBytes(IDENTITY_INFO[name]), length);
  const derived = {
    x25519: derive('x25519', 32),
    mlKem768: derive('mlKem768', 64),
    mlDsa65: derive('mlDsa65', 32),
  };
  const publicKey = ed25519.getPublicKey(seed);
  return {
    seed,
    maxVersion,
    publicKey,
    did: didOf(publicKey),
    derived,
    x25519: x25519.getPublicKey(derived.x25519),
    mlKem768: maxVersion >= 2 ? ml_kem768.keygen(derived.mlKem768) : undefined,
    mlDsa65: maxVersion >= 3 ? ml_dsa65.keygen(derived.mlDsa65) : undefined,
  };
}

// 3 Key records
export const recordTranscript = ({ did, epoch, x25519: x, mlKem768: kem = EMPTY, mlDsa65: dsa = EMPTY }) =>
  LP(utf8ToBytes('xlink/1 key-record'), utf8ToBytes(did), u64(epoch), x, kem, dsa);

/** The record of some public keys, signed with a seed; by default those of the identity itself. */
export function signRecord(identity, epoch, keys = {}) {
  const content = {
    did: identity.did,
    epoch,
    x25519: identity.x25519,
    mlKem768: identity.mlKem768?.publicKey,
    mlDsa65: identity.mlDsa65?.publicKey,
    ...keys,
  };
  const transcript = recordTranscript(content);
  const record = {
    did: content.did,
    epoch,
    x25519: b64u(content.x25519),
    ...(content.mlKem768 ? { mlKem768: b64u(content.mlKem768) } : {}),
    ...(content.mlDsa65 ? { mlDsa65: b64u(content.mlDsa65) } : {}),
    signature: b64u(ed25519.sign(transcript, identity.seed)),
  };
  return { record, transcript };
}

// 4 Versions and suites
export const SUITE = {
  sealed: {
    1: 'X25519+A256GCM+Ed25519',
    2: 'X25519+MLKEM768+A256GCM+Ed25519',
    3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65',
  },
  signedOnly: { 1: 'Ed25519', 2: 'Ed25519', 3: 'Ed25519+MLDSA65' },
  shares: {
    1: 'X25519+A256GCM+Ed25519+Shares',
    2: 'X25519+MLKEM768+A256GCM+Ed25519+Shares',
    3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65+Shares',
  },
  xchange: 'Xchange+A256GCM+Ed25519',
};
export const labelOf = (version, suite) => utf8ToBytes(`xlink/1 v${version} ${suite}`);

// 6 Transcripts
export function headerTranscript(header) {
  const text = (value) => (value === undefined ? EMPTY : utf8ToBytes(value));
  return LP(
    labelOf(header.version, header.suite),
    u64(header.version),
    text(header.suite),
    text(header.from),
    text(header.to),
    u64(header.timestamp),
    header.nonce,
    text(header.scope),
    text(header.request),
    header.contentDigest ?? EMPTY,
    text(header.contentType),
    header.inReplyTo ?? EMPTY,
    header.ephemeralPub ?? EMPTY,
    header.kemCiphertext ?? EMPTY,
  );
}

export const signatureTranscript = (label, headerBytes, payload = EMPTY) =>
  LP(label, sha256(headerBytes), sha256(payload));

// 5 Envelope
const ORDER =
  'version suite from to timestamp nonce scope request contentDigest contentType inReplyTo ephemeralPub kemCiphertext payload signature pqSignature';
export const MEMBERS = ORDER.split(' ');

/** JSON text of an envelope; byte strings become base64url, members that are undefined are left out. */
export function envelopeText(members, order = MEMBERS) {
  const wire = (value) => (value instanceof Uint8Array ? b64u(value) : value);
  return JSON.stringify(
    Object.fromEntries(
      order.filter((name) => members[name] !== undefined).map((name) => [name, wire(members[name])]),
    ),
  );
}

// 7 Encryption
export const frameOf = (from, content) => concatBytes(LP(utf8ToBytes(from)), content);

/**
 * Makes an envelope and keeps everything on the way. `change` replaces single steps, to make envelopes that are wrong
 * in one thing and right in all others.
 *
 * @param {object} message version, sender, recipient (identities), content (bytes), and the members timestamp, nonce,
 *   scope, request, contentDigest, contentType, inReplyTo; `form` is `shares` where the content is a bundle
 * @param {object} random ephemeralSecret, kemCoins, mlDsaRandom, 32 bytes each
 */
export function seal(message, random, change = {}) {
  const { version, sender, recipient, content, form = 'sealed', ...rest } = message;
  const suite = SUITE[form][version];
  const label = labelOf(version, suite);
  const target = {
    x25519: recipient.x25519,
    mlKem768: recipient.mlKem768?.publicKey,
    ...change.recipientKeys,
  };

  const ephemeralPub = change.ephemeralPub ?? x25519.getPublicKey(random.ephemeralSecret);
  const x25519Secret = change.x25519Secret ?? x25519.getSharedSecret(random.ephemeralSecret, target.x25519);
  const kem = version >= 2 ? ml_kem768.encapsulate(target.mlKem768, random.kemCoins) : undefined;
  const header = {
    version,
    suite,
    from: sender.did,
    to: recipient.did,
    ...rest,
    ephemeralPub,
    kemCiphertext: kem && (change.kemCiphertext ?? kem.cipherText),
  };

  const parts = kem
    ? [
        kem.sharedSecret,
        x25519Secret,
        header.kemCiphertext,
        ephemeralPub,
        target.mlKem768,
        target.x25519,
        label,
      ]
    : [x25519Secret, ephemeralPub, target.x25519, label];
  const ikm = change.ikm?.(parts) ?? concatBytes(...parts);
  const info = change.info ?? LP(label, utf8ToBytes(change.keyFrom ?? header.from), utf8ToBytes(header.to));
  const okm = hkdfSha256(ikm, info, 44);
  const key = okm.slice(0, 32);
  const iv = change.iv ?? okm.slice(32);

  const headerBytes = headerTranscript(header);
  const frame = change.frame ?? frameOf(header.from, content);
  const sealed = gcm(key, iv, change.aad ?? headerBytes).encrypt(frame);
  const payload = change.payload?.(sealed) ?? sealed;
  return {
    ...sign(sender, { ...header, payload }, random, change),
    steps: { x25519Secret, kemSecret: kem?.sharedSecret, ikm, info, okm, key, iv, frame },
  };
}

/** Makes a signed-only envelope; `content` may be undefined. */
export function signOnly(message, random, change = {}) {
  const { version, sender, recipient, content, ...rest } = message;
  const header = { version, suite: SUITE.signedOnly[version], from: sender.did, to: recipient.did, ...rest };
  return { ...sign(sender, { ...header, payload: content }, random, change), steps: {} };
}

// 8 Signatures
export function sign(sender, members, random, change = {}) {
  const label = labelOf(members.version, members.suite);
  const headerBytes = headerTranscript(members);
  const transcript = signatureTranscript(change.signatureLabel ?? label, headerBytes, members.payload);
  const signature = ed25519.sign(change.signed ?? transcript, (change.signer ?? sender).seed);
  const pqSignature =
    members.version >= 3
      ? ml_dsa65.sign(transcript, (change.pqSigner ?? sender).mlDsa65.secretKey, {
          context: change.pqContext ?? label,
          extraEntropy: random.mlDsaRandom,
        })
      : undefined;
  const all = { ...members, signature: change.signature?.(signature) ?? signature, pqSignature };
  return { members: all, label, headerBytes, transcript, text: envelopeText(all) };
}

// 16.1 Sharing
const choose = (n, k) => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);

function subsetsOf(n, size, from = 0) {
  if (size === 0) return [[]];
  const sets = [];
  for (let first = from; first < n; first++)
    for (const rest of subsetsOf(n, size - 1, first + 1)) sets.push([first, ...rest]);
  return sets;
}

export const xor = (...all) => all.reduce((a, b) => a.map((byte, at) => byte ^ b[at]));

/** Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function times(a, b) {
  let product = 0;
  for (let x = a, y = b; y > 0; y >>= 1) {
    if (y & 1) product ^= x;
    x = (x << 1) ^ (x & 0x80 ? 0x11b : 0);
  }
  return product;
}

/** Numbers of the pieces of a share, and all pieces by number. */
function xorPieces(secret, n, k, random) {
  const sets = subsetsOf(n, k - 1);
  const fresh = sets.slice(0, -1).map((_, at) => random(at, secret.length));
  const held = (i) => sets.flatMap((set, at) => (set.includes(i) ? [] : [at]));
  return { pieces: [...fresh, xor(secret, ...fresh)], fresh, held };
}

function polynomialPieces(secret, n, k, random) {
  const coefficients = Array.from({ length: k - 1 }, (_, at) => random(at, secret.length));
  const at = (x) =>
    secret.map((constant, byte) =>
      coefficients.reduce((sum, c, power) => {
        let term = c[byte];
        for (let i = 0; i <= power; i++) term = times(term, x);
        return sum ^ term;
      }, constant),
    );
  const pieces = Array.from({ length: n }, (_, i) => concatBytes(at(i + 1), Uint8Array.of(i + 1)));
  return { pieces, fresh: undefined, held: (i) => [i] };
}

export function split(data, { n, k, groupId, tagKey, random }) {
  const scheme = choose(n - 1, k - 1) <= 10 ? 'xor' : 'shamir';
  const secret = concatBytes(tagKey, data);
  const { pieces, fresh, held } = (scheme === 'xor' ? xorPieces : polynomialPieces)(secret, n, k, random);
  const shares = Array.from({ length: n }, (_, i) => {
    const facts = `${b64u(groupId)} ${i} ${n} ${k} ${scheme} ${data.length}`;
    const hashes = held(i).map((at) => sha256(pieces[at]));
    return { i, tag: hmac(sha256, tagKey, LP(utf8ToBytes('xlink/1 share'), utf8ToBytes(facts), ...hashes)) };
  });
  return { n, k, groupId, length: data.length, secret, pieces, fresh, held, shares };
}

// 16.2 Bundle
/** The bundle of some shares, by index. `change` replaces parts, to make bundles that are wrong. */
export function bundleOf(made, indexes, change = {}) {
  const { n, k, groupId, length, pieces, held, shares } = { ...made, ...change };
  const numbers = [...new Set(indexes.flatMap(held))].sort((a, b) => a - b);
  return concatBytes(
    Uint8Array.of(change.format ?? 1),
    groupId,
    Uint8Array.of(n, k),
    u32(length),
    Uint8Array.of(change.m ?? indexes.length),
    ...indexes.flatMap((i) => [Uint8Array.of(change.i ?? i), shares[i].tag]),
    ...numbers.map((at) => pieces[at]),
  );
}

// 16.5 Xchange
/** Makes one envelope of Xchange; `content` is what all envelopes of the message have in common. */
export function signXchange(message, bundle, ciphertext, random, change = {}) {
  const { sender, recipient, version: _, content: __, ...rest } = message;
  const header = { version: 2, suite: SUITE.xchange, from: sender.did, to: recipient.did, ...rest };
  return sign(sender, { ...header, payload: concatBytes(bundle, ciphertext) }, random, change);
}

export function xchangeCiphertext(message, groupId, contentKey, change = {}) {
  const { sender, recipient, content, version: _, ...rest } = message;
  const header = { version: 2, suite: SUITE.xchange, from: sender.did, to: recipient.did, ...rest };
  const group = headerTranscript({ ...header, nonce: groupId });
  const frame = change.frame ?? frameOf(sender.did, content);
  return { group, ciphertext: gcm(contentKey, new Uint8Array(12), change.aad ?? group).encrypt(frame) };
}
