import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { decodeDidKey, encodeDidKey, Identity } from '@private.me/xlink';
import { base58 } from '@scure/base';
import { looksLikeDidKey } from '../../src/identity/did.js';
import { encodePkcs8 } from '../../src/identity/pkcs8.js';
import { identityOf, seedOf } from '../support/agents.js';
import { thrownBy } from '../support/results.js';

interface VectorFile {
  readonly [did: string]: {
    readonly seed: string;
    readonly verificationKeyPair:
      | { readonly publicKeyBase58: string }
      | { readonly publicKeyJwk: { readonly x: string } };
  };
}

const FOLDER = new URL('../../../shared/vectors/did-key/', import.meta.url);
const FILE = new URL('ed25519-x25519.json', FOLDER);

describe('did:key vectors of the W3C credentials group', () => {
  if (!existsSync(FILE)) {
    if (process.env['CI'] === 'true') {
      test('the vectors are there', () => {
        throw new Error(`${FILE.pathname} is missing`);
      });
    } else {
      test.skip(`SKIPPED, there is no ${FILE.pathname}`, () => {});
    }
    return;
  }
  const vectors = Object.entries(JSON.parse(readFileSync(FILE, 'utf8')) as VectorFile);

  test('there are at least five', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(5);
  });

  test.each(vectors)('%s: seed, public key and DID belong together', async (did, vector) => {
    const pair = vector.verificationKeyPair;
    const publicKey =
      'publicKeyJwk' in pair
        ? new Uint8Array(Buffer.from(pair.publicKeyJwk.x, 'base64url'))
        : base58.decode(pair.publicKeyBase58);
    expect(encodeDidKey(publicKey)).toBe(did);
    expect(Buffer.from(decodeDidKey(did)).equals(publicKey)).toBe(true);
    const identity = await Identity.fromSeed(Buffer.from(vector.seed, 'hex'), { maxVersion: 1 });
    expect(identity.did).toBe(did);
  });

  test('a did:key of an X25519 key is not one of ours', async () => {
    const file = new URL('x25519.json', FOLDER);
    const { didDocument } = JSON.parse(readFileSync(file, 'utf8')) as { didDocument: object };
    const dids = Object.keys(didDocument);
    expect(dids.length).toBeGreaterThan(0);
    for (const did of dids) expect((await thrownBy(() => decodeDidKey(did))).id).toBe('INVALID_DID');
  });
});

describe('a DID', () => {
  const good = 'did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd';

  test('goes to the key and back for any key', async () => {
    for (let i = 0; i < 50; i++) {
      const { did, publicKey } = await identityOf(`round trip ${i}`, 1);
      expect(did).toHaveLength(56);
      expect(looksLikeDidKey(did)).toBe(true);
      expect(encodeDidKey(decodeDidKey(did))).toBe(did);
      expect(Buffer.from(decodeDidKey(did)).equals(publicKey)).toBe(true);
    }
  });

  test('hands out a copy of its key, so that nobody can change it for the others', () => {
    decodeDidKey(good).fill(0);
    decodeDidKey(good).fill(0);
    expect(encodeDidKey(decodeDidKey(good))).toBe(good);
  });

  const body = good.slice('did:key:z'.length);
  const encoded = (bytes: Uint8Array) => `did:key:z${base58.encode(bytes)}`;
  const malformed: [string, unknown][] = [
    ['empty', ''],
    ['no DID', 'alice'],
    ['another method', `did:web:${body}`],
    ['another multibase', `did:key:u${body}`],
    ['upper case', good.toUpperCase()],
    ['a fragment', `${good}#key`],
    ['a path', `${good}/a`],
    ['a query', `${good}?a`],
    ['a space in front', ` ${good}`],
    ['a line break behind', `${good}\n`],
    ['one character less', good.slice(0, -1)],
    ['one character more', `${good}1`],
    ['a character that base58 leaves out', good.replace(/.$/, '0')],
    ['another codec', encoded(Uint8Array.of(0xec, 1, ...new Uint8Array(32)))],
    ['31 bytes', encoded(Uint8Array.of(0xed, 1, ...new Uint8Array(31)))],
    ['33 bytes', encoded(Uint8Array.of(0xed, 1, ...new Uint8Array(33)))],
    ['the shape with other bytes', `did:key:z6Mk${'1'.repeat(44)}`],
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object that turns into one', { toString: () => good }],
    ['an array with one', [good]],
  ];
  test.each(malformed)('that is malformed is refused: %s', async (_, did) => {
    expect((await thrownBy(() => decodeDidKey(did as string))).id).toBe('INVALID_DID');
  });

  test('is refused as weak where verifiers disagree about its key', async () => {
    const order8 = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    const torsion = Array.from({ length: 7 }, (_, i) =>
      ed25519.Point.BASE.add(order8.multiply(BigInt(i + 1))),
    );
    for (const point of [...torsion, order8, ed25519.Point.ZERO]) {
      const did = encodeDidKey(point.toBytes());
      for (const attempt of ['first', 'again']) {
        expect([attempt, (await thrownBy(() => decodeDidKey(did))).id]).toEqual([
          attempt,
          'INVALID_DID:WEAK_KEY',
        ]);
      }
    }
    expect(decodeDidKey(encodeDidKey(ed25519.Point.BASE.toBytes()))).toHaveLength(32);
  });

  test.each([0, 31, 33, 64])('is not made of a key of %i bytes', async (length) => {
    expect((await thrownBy(() => encodeDidKey(new Uint8Array(length)))).id).toBe('INVALID_DID');
  });

  test('in one character changed is another key or none', async () => {
    const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
    let others = 0;
    for (let at = 12; at < good.length; at += 7) {
      for (const character of alphabet) {
        const changed = good.slice(0, at) + character + good.slice(at + 1);
        if (changed === good) continue;
        try {
          expect(encodeDidKey(decodeDidKey(changed))).toBe(changed);
          others++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_DID' });
        }
      }
    }
    expect(others).toBeGreaterThan(0);
  });
});

test('seeds that differ in one bit are different DIDs', async () => {
  const seed = seedOf('alice');
  const dids = await Promise.all(
    Array.from({ length: 16 }, async (_, bit) => {
      const other = seed.slice();
      other[bit * 2]! ^= 1 << (bit & 7);
      return (await Identity.fromSeed(other, { maxVersion: 1 })).did;
    }),
  );
  expect(new Set([...dids, (await identityOf('alice', 1)).did]).size).toBe(17);
  expect(encodePkcs8(seed)).toHaveLength(48);
});
