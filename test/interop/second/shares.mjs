// Shares and Xchange: docs/PROTOCOL.md, section 16.
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equal, fail, LP, toBase64url, u32, utf8 } from './bytes.mjs';

const MAX_DATA = 67_108_864;
const wrong = () => fail('INCONSISTENT_SHARES');

const binomial = (n, k) => {
  let rows = [1];
  for (let i = 0; i < n; i++) rows = [1, ...rows.slice(1).map((x, j) => x + rows[j]), 1];
  return rows[k];
};
const byXor = (n, k) => binomial(n - 1, k - 1) <= 10;

/** 16.1: the subsets of k - 1 share numbers in lexicographic order, as bit masks. */
function masks(n, k) {
  const all = [];
  for (let mask = 0; mask < 2 ** n; mask++) {
    const members = Array.from({ length: n }, (_, i) => i).filter((i) => mask & (1 << i));
    if (members.length === k - 1)
      all.push({ mask, key: members.map((m) => String(m).padStart(2, '0')).join() });
  }
  return all.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ mask }) => mask);
}

/** Numbers of the pieces that share `i` holds. */
const held = (n, k, i) =>
  byXor(n, k) ? masks(n, k).flatMap((mask, j) => (mask & (1 << i) ? [] : [j])) : [i];

const tagOf = (tagKey, g, i, pieces) => {
  const facts = `${toBase64url(g.groupId)} ${i} ${g.n} ${g.k} ${byXor(g.n, g.k) ? 'xor' : 'shamir'} ${g.length}`;
  return hmac(sha256, tagKey, LP(utf8('xlink/1 share'), utf8(facts), ...pieces.map((p) => sha256(p))));
};

const xorOf = (pieces) => {
  const out = pieces[0].slice();
  for (const piece of pieces.slice(1)) for (const [at, byte] of piece.entries()) out[at] ^= byte;
  return out;
};

/** 16.1, by XOR. `random(length, what)`. Returns the group with all its shares. */
export function split(data, n, k, random) {
  if (!byXor(n, k)) throw new Error('this implementation splits by XOR only');
  const g = { n, k, groupId: random(16, 'group'), length: data.length };
  const secret = concat(random(32, 'tagKey'), data);
  const pieces = Array.from({ length: masks(n, k).length - 1 }, () => random(secret.length, 'piece'));
  pieces.push(xorOf([secret, ...pieces]));
  const shares = Array.from({ length: n }, (_, i) => {
    const mine = new Map(held(n, k, i).map((j) => [j, pieces[j]]));
    return { i, pieces: mine, tag: tagOf(secret.slice(0, 32), g, i, [...mine.values()]) };
  });
  return { ...g, shares };
}

/** 16.2 */
export function bundle(g, indexes) {
  const some = indexes.map((i) => g.shares[i]);
  const pieces = new Map(some.flatMap(({ pieces }) => [...pieces]));
  return concat(
    Uint8Array.of(1),
    g.groupId,
    Uint8Array.of(g.n, g.k),
    u32(g.length),
    Uint8Array.of(some.length),
    ...some.flatMap(({ i, tag }) => [Uint8Array.of(i), tag]),
    ...[...pieces].sort(([a], [b]) => a - b).map(([, piece]) => piece),
  );
}

/** 16.2. `behind`: whether something may follow the bundle. */
export function readBundle(bytes, behind) {
  let at = 0;
  const take = (length) => {
    if (at + length > bytes.length) wrong();
    at += length;
    return bytes.slice(at - length, at);
  };
  if (take(1)[0] !== 1) wrong();
  const groupId = take(16);
  const [n, k] = take(2);
  const length = new DataView(take(4).buffer).getUint32(0);
  if (n < 2 || n > 16 || k < 2 || k > n || length > MAX_DATA) wrong();
  const [m] = take(1);
  if (m === 0) wrong();
  const shares = [];
  for (let s = 0; s < m; s++) {
    const [i] = take(1);
    if (i >= n || i <= (shares.at(-1)?.i ?? -1)) wrong();
    shares.push({ i, tag: take(32) });
  }
  const numbers = [...new Set(shares.flatMap(({ i }) => held(n, k, i)))].sort((a, b) => a - b);
  const pieces = new Map(numbers.map((j) => [j, take(32 + length + (byXor(n, k) ? 0 : 1))]));
  for (const share of shares) share.pieces = new Map(held(n, k, share.i).map((j) => [j, pieces.get(j)]));
  const rest = bytes.slice(at);
  if (!behind && rest.length > 0) wrong();
  return { n, k, groupId, length, shares, rest };
}

/** GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
const LOG = new Uint8Array(256);
const EXP = new Uint8Array(512);
for (let i = 0, x = 1; i < 255; i++) {
  EXP[i] = EXP[i + 255] = x;
  LOG[x] = i;
  x ^= (x << 1) ^ (x & 0x80 ? 0x11b : 0); // times 3, a generator
}
const mul = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);
const div = (a, b) => (a ? EXP[LOG[a] + 255 - LOG[b]] : 0);

function interpolate(pieces) {
  const xs = pieces.map((piece) => piece.at(-1));
  if (new Set(xs).size < xs.length || xs.includes(0)) return undefined;
  const weights = xs.map((x) =>
    xs.reduce((w, other) => (other === x ? w : mul(w, div(other, x ^ other))), 1),
  );
  return pieces[0].slice(0, -1).map((_, at) => pieces.reduce((sum, p, i) => sum ^ mul(p[at], weights[i]), 0));
}

function combine(g, some) {
  if (!byXor(g.n, g.k)) return interpolate(some.map(({ pieces }) => [...pieces.values()][0]));
  return xorOf([...new Map(some.flatMap(({ pieces }) => [...pieces])).values()]);
}

function* choices(list, size) {
  if (size === 0) yield [];
  for (let i = 0; i + size <= list.length; i++)
    for (const rest of size > 0 ? choices(list.slice(i + 1), size - 1) : []) yield [list[i], ...rest];
}

/** 16.4: whether those that hold the same piece hold the same copy of it. By polynomials: see `interpolate`. */
const agree = (some) => {
  const pieces = new Map();
  for (const share of some)
    for (const [j, piece] of share.pieces) {
      if (pieces.has(j) && !equal(pieces.get(j), piece)) return false;
      pieces.set(j, piece);
    }
  return true;
};

/** What some `k` of the shares give whose tags verify; undefined if there are none. */
function dataOf(g) {
  for (const some of choices([...g.shares.values()], g.k)) {
    const secret = agree(some) && combine(g, some);
    if (!secret) continue;
    const key = secret.slice(0, 32);
    if (some.every(({ i, tag, pieces }) => equal(tag, tagOf(key, g, i, [...pieces.values()]))))
      return secret.slice(32);
  }
  return undefined;
}

const samePieces = (a, b) => [...a].every(([j, piece]) => equal(piece, b.get(j)));

/** 16.4: the shares of unfinished messages. This implementation keeps all of them. */
export class Collector {
  #groups = new Map();

  /** `common` is the group transcript of 16.5. Returns data and what was behind it, or fails. */
  add(from, common, b) {
    const id = `${from} ${toBase64url(b.groupId)}`;
    const g = this.#groups.get(id) ?? { ...b, common, shares: new Map() };
    if (g.n !== b.n || g.k !== b.k || g.length !== b.length) wrong();
    if (!equal(g.common, common) || !equal(g.rest, b.rest)) wrong();
    for (const share of b.shares) {
      const known = g.shares.get(share.i);
      if (known && !(equal(known.tag, share.tag) && samePieces(known.pieces, share.pieces))) wrong();
    }
    for (const share of b.shares) g.shares.set(share.i, share);
    this.#groups.set(id, g);
    if (g.shares.size < g.k) fail('INSUFFICIENT_SHARES:PENDING');
    const data = dataOf(g);
    if (!data && g.shares.size < g.n) fail('INSUFFICIENT_SHARES:PENDING');
    if (!data) {
      this.#groups.delete(id);
      fail('HMAC_VERIFICATION_FAILED');
    }
    return { data, rest: g.rest };
  }
}
