import { describe, expect, test } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { isStrictEd25519Key } from '../../src/crypto/ed25519-rules.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import {
  challenge,
  decode,
  encodings,
  fromLittleEndian,
  L,
  littleEndian,
  Point,
  response,
  signature,
  times,
  torsion,
} from './edge-points.js';
import { providers } from './providers.js';

// Cases in the spirit of "Taming the many EdDSAs" (eprint 2020/1244), made here from the definition.

interface Case {
  readonly name: string;
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** By construction: what the cofactorless equation with a comparison of bytes, and no R of small order, says. */
  readonly valid: boolean;
}

/** Any fixed scalar will do. */
const scalar = (label: string): bigint =>
  fromLittleEndian(ed25519.getPublicKey(littleEndian(BigInt(label.length)))) % L;
const secrets = [scalar('a'), scalar('bb'), 5n, L - 2n];
const nonces = [scalar('ccc'), scalar('dddd'), 1n];
const messages = ['', 'xlink', 'x'.repeat(300)].map(encodeUtf8);

describe('torsion points', () => {
  test('are the eight points of small order, with fourteen encodings', () => {
    expect(torsion.every((t) => t.isSmallOrder())).toBe(true);
    expect(new Set(torsion.map((t) => t.toHex())).size).toBe(8);
    const all = torsion.flatMap(encodings);
    expect(new Set(all.map(String)).size).toBe(14);
    // The sign bit on x = 0 and y >= p are read by a lenient decoder only.
    expect(all.filter((bytes) => decode(bytes) !== undefined)).toHaveLength(8);
  });
});

describe('weak public keys are refused', () => {
  test('small order, in all encodings', () => {
    for (const bytes of torsion.flatMap(encodings)) expect(isStrictEd25519Key(bytes)).toBe(false);
  });

  test('mixed order', () => {
    for (const a of secrets) {
      for (const [i, t] of torsion.entries()) {
        const key = times(Point.BASE, a).add(t).toBytes();
        expect([i, isStrictEd25519Key(key)]).toEqual([i, i === 0]);
      }
    }
  });

  test('not canonical: y from p to 2^255 - 1, with both signs', () => {
    for (let y = 2n ** 255n - 19n; y < 2n ** 255n; y++) {
      expect(isStrictEd25519Key(littleEndian(y))).toBe(false);
      expect(isStrictEd25519Key(littleEndian(y | (1n << 255n)))).toBe(false);
    }
  });

  test('no point at all, or not 32 bytes', () => {
    const y = [...Array(50).keys()].map(BigInt).find((value) => !decode(littleEndian(value)))!;
    expect(isStrictEd25519Key(littleEndian(y))).toBe(false);
    const key = Point.BASE.toBytes();
    expect(isStrictEd25519Key(key)).toBe(true);
    expect(isStrictEd25519Key(key.slice(0, 31))).toBe(false);
    expect(isStrictEd25519Key(new Uint8Array([...key, 0]))).toBe(false);
  });
});

/** R = [r]B + T for each T of the torsion group: only T = 0 satisfies the equation without the cofactor. */
function* torsionInR(): Generator<Case> {
  for (const [k, a] of secrets.entries()) {
    const key = times(Point.BASE, a).toBytes();
    for (const r of nonces) {
      for (const [i, t] of torsion.entries()) {
        const message = messages[(k + i) % messages.length]!;
        const R = times(Point.BASE, r).add(t).toBytes();
        const S = response(r, a, R, key, message);
        yield {
          name: `key ${k}, torsion ${i} in R`,
          key,
          message,
          signature: signature(R, S),
          valid: i === 0,
        };
      }
    }
  }
}

/** The same S plus multiples of L: the equation holds, the range check does not. */
function* largeS(): Generator<Case> {
  for (const [k, a] of secrets.entries()) {
    const key = times(Point.BASE, a).toBytes();
    for (const message of messages) {
      const R = times(Point.BASE, nonces[0]!).toBytes();
      const S = response(nonces[0]!, a, R, key, message);
      for (let extra = 0n; S + extra * L < 1n << 256n; extra++) {
        const bytes = signature(R, S + extra * L);
        yield { name: `key ${k}, S + ${extra} L`, key, message, signature: bytes, valid: extra === 0n };
      }
    }
  }
}

/** R of small order in each of its encodings, with the S that belongs to it: for the identity the equation holds. */
function* smallR(): Generator<Case> {
  for (const [k, a] of secrets.entries()) {
    const key = times(Point.BASE, a).toBytes();
    for (const message of messages) {
      for (const [i, t] of torsion.entries()) {
        for (const [j, R] of encodings(t).entries()) {
          const bytes = signature(R, response(0n, a, R, key, message));
          yield {
            name: `key ${k}, R = torsion ${i}, encoding ${j}`,
            key,
            message,
            signature: bytes,
            valid: false,
          };
        }
      }
    }
  }
}

/** Signatures that are off by torsion in [h]A and in R at once, so that both may cancel: the key is never strict. */
function* mixedKeys(): Generator<Case> {
  for (const [k, a] of secrets.slice(0, 2).entries()) {
    for (const [i, t] of torsion.entries()) {
      const key = times(Point.BASE, a).add(t).toBytes();
      for (const [j, u] of torsion.entries()) {
        const message = encodeUtf8(`mixed ${i} ${j}`);
        const R = times(Point.BASE, nonces[1]!).add(u).toBytes();
        const bytes = signature(R, response(nonces[1]!, a, R, key, message));
        const h = challenge(R, key, message) % L;
        const valid = (h * BigInt(i) + BigInt(j)) % 8n === 0n;
        yield { name: `key ${k} + torsion ${i}, torsion ${j} in R`, key, message, signature: bytes, valid };
      }
    }
  }
}

/** Edges of the encoding of S and R that no signer produces. */
function* oddParts(): Generator<Case> {
  const a = secrets[0]!;
  const key = times(Point.BASE, a).toBytes();
  const message = messages[1]!;
  const R = times(Point.BASE, nonces[0]!).toBytes();
  const S = response(nonces[0]!, a, R, key, message);
  const wrong = (name: string, bytes: Uint8Array): Case => ({
    name,
    key,
    message,
    signature: bytes,
    valid: false,
  });
  for (const value of [
    0n,
    1n,
    L - 1n,
    L,
    L + 1n,
    1n << 252n,
    (1n << 253n) - 1n,
    1n << 255n,
    (1n << 256n) - 1n,
  ]) {
    yield wrong(`S = ${value}`, signature(R, value));
  }
  for (const bit of [253n, 254n, 255n]) yield wrong(`S with bit ${bit}`, signature(R, S | (1n << bit)));
  yield wrong('-S', signature(R, L - S));
  yield wrong('-R', signature(R.with(31, R[31]! ^ 0x80), S));
  for (let y = 2n ** 255n - 19n; y < 2n ** 255n; y++) {
    const odd = littleEndian(y);
    yield wrong(`R with y = ${y}`, signature(odd, response(nonces[0]!, a, odd, key, message)));
  }
  const noPoint = [...Array(50).keys()].map((y) => littleEndian(BigInt(y))).find((bytes) => !decode(bytes))!;
  yield wrong('R is no point', signature(noPoint, response(nonces[0]!, a, noPoint, key, message)));
  for (const length of [0, 32, 63]) yield wrong(`${length} bytes`, signature(R, S).slice(0, length));
  yield wrong('65 bytes', new Uint8Array([...signature(R, S), 0]));
}

/** The definition: S < L, R is not the identity, and the bytes of [S]B - [h]A are R. */
function byDefinition({ key, message, signature: bytes }: Case): boolean {
  if (bytes.length !== 64) return false;
  const [R, S] = [bytes.slice(0, 32), fromLittleEndian(bytes.slice(32))];
  if (S >= L || fromLittleEndian(R) === 1n) return false;
  const hA = times(decode(key)!, challenge(R, key, message) % L);
  return String(times(Point.BASE, S).subtract(hA).toBytes()) === String(R);
}

const cofactored = ({ key, message, signature: bytes }: Case): boolean =>
  bytes.length === 64 && ed25519.verify(bytes, message, key, { zip215: true });

const cases = [...torsionInR(), ...largeS(), ...smallR(), ...oddParts()];
const mixed = [...mixedKeys()];

describe(`${cases.length} edge cases with strict keys`, () => {
  test('the cases are what they claim: strict keys, and some that other rules would accept', () => {
    expect(cases.length).toBeGreaterThanOrEqual(400);
    expect(cases.every(({ key }) => isStrictEd25519Key(key))).toBe(true);
    expect(cases.filter((one) => byDefinition(one) !== one.valid)).toEqual([]);
    expect(cases.filter(({ valid }) => valid).length).toBeGreaterThanOrEqual(24);
    expect(cases.filter((one) => !one.valid && cofactored(one)).length).toBeGreaterThanOrEqual(200);
  });

  test.each(providers)('%s: exactly the verdict of the rules', async (_, provider) => {
    const wrong: string[] = [];
    for (const one of cases) {
      const { verify } = await provider.ed25519.verifier(one.key);
      const verdict = await verify(one.message, one.signature);
      if (verdict !== one.valid) wrong.push(`${one.name}: ${verdict}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe(`${mixed.length} edge cases with keys of mixed order`, () => {
  test('the equation may hold, so the key has to be refused before', () => {
    const strict = mixed.filter(({ key }) => isStrictEd25519Key(key));
    const canceled = mixed.filter(({ key, valid }) => valid && !isStrictEd25519Key(key));
    expect(mixed).toHaveLength(128);
    expect(strict).toHaveLength(16);
    expect(canceled.length).toBeGreaterThanOrEqual(4);
    expect(mixed.filter((one) => byDefinition(one) !== one.valid)).toEqual([]);
  });
});
