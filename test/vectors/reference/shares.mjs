// Shares and Xchange: docs/PROTOCOL.md, section 16.
import { hmac } from '@noble/hashes/hmac.js';
import { headerTranscript, labelOf, messageKey, plaintextOf, SUITE, sealWith, sign } from './envelope.mjs';
import { b64u, concat, LP, sha256, u32, utf8 } from './notation.mjs';

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
  const pieces = Array.from({ length: n }, (_, i) => concat(at(i + 1), Uint8Array.of(i + 1)));
  return { pieces, fresh: undefined, held: (i) => [i] };
}

export function split(data, { n, k, groupId, tagKey, random }) {
  const scheme = choose(n - 1, k - 1) <= 10 ? 'xor' : 'shamir';
  const secret = concat(tagKey, data);
  const { pieces, fresh, held } = (scheme === 'xor' ? xorPieces : polynomialPieces)(secret, n, k, random);
  const facts = (i) => `${b64u(groupId)} ${i} ${n} ${k} ${scheme} ${data.length}`;
  /** The tag of share `i` over these copies of its pieces. */
  const tagOf = (i, its = held(i).map((at) => pieces[at])) =>
    hmac(sha256, tagKey, LP(utf8('xlink/1 share'), utf8(facts(i)), ...its.map((piece) => sha256(piece))));
  const shares = Array.from({ length: n }, (_, i) => ({ i, tag: tagOf(i) }));
  return { n, k, groupId, length: data.length, secret, pieces, fresh, held, shares, tagOf };
}

// 16.2 Bundle
/** The bundle of some shares, by index. `change` replaces parts, to make bundles that are wrong. */
export function bundleOf(made, indexes, change = {}) {
  const { n, k, groupId, length, pieces, held, shares } = { ...made, ...change };
  const numbers = [...new Set(indexes.flatMap(held))].sort((a, b) => a - b);
  return concat(
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
const xchangeHeader = ({ sender, recipient, version: _, content: __, contentType: ___, ...rest }) => {
  const addressed = {
    version: 2,
    suite: SUITE.xchange,
    kind: 'message',
    from: sender.did,
    to: recipient.did,
  };
  return { ...addressed, ...rest };
};

/** Makes one envelope of Xchange; `ciphertext` is what all envelopes of the message have in common. */
export const signXchange = (message, bundle, ciphertext) =>
  sign(message.sender, { ...xchangeHeader(message), payload: concat(bundle, ciphertext) }, {});

export function xchangeCiphertext(message, groupId, contentKey, change = {}) {
  const { content, contentType = 'application/json' } = message;
  const header = xchangeHeader(message);
  const group = headerTranscript({ ...header, nonce: groupId });
  const info = LP(labelOf(header), utf8(header.from), utf8(header.to));
  const plaintext = change.plaintext ?? plaintextOf({ ...header, contentType, content });
  return { group, ciphertext: sealWith(messageKey(contentKey, info), group, plaintext, change) };
}
