// Blind RSA against the vectors of RFC 9474, and what goes wrong.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  BLIND_RSA_VARIANTS,
  type BlindRsaVariantName,
  blind,
  blindSign,
  finalize,
  prepare,
  verifyBlind,
} from '../src/index.js';
import { describeWhere, failure, isThere, sharedFile } from './support.js';

const FILE = sharedFile('vectors/blind-rsa/test_vectors.json');
type Vector = Record<
  'p' | 'q' | 'n' | 'e' | 'd' | 'msg' | 'salt' | 'inv' | 'encoded_msg' | 'blinded_msg' | 'blind_sig' | 'sig',
  string
>;

const hex = (text: string): Buffer => Buffer.from(text.replace(/^0x/, ''), 'hex');
const number = (text: string): bigint => BigInt(`0x${text.replace(/^0x/, '')}`);
const url = (value: bigint): string => {
  const text = value.toString(16);
  return Buffer.from(text.padStart(text.length + (text.length % 2), '0'), 'hex').toString('base64url');
};

function inverse(value: bigint, n: bigint): bigint {
  let [a, b, x, y] = [value % n, n, 1n, 0n];
  while (b !== 0n) {
    const q = a / b;
    [a, b, x, y] = [b, a - q * b, y, x - q * y];
  }
  return ((x % n) + n) % n;
}

function keysOf({ n, e, d, p, q }: Vector): { privateKey: KeyObject; publicKey: KeyObject } {
  const [N, E, D, P, Q] = [n, e, d, p, q].map(number) as [bigint, bigint, bigint, bigint, bigint];
  const key = {
    kty: 'RSA',
    n: url(N),
    e: url(E),
    d: url(D),
    p: url(P),
    q: url(Q),
    dp: url(D % (P - 1n)),
    dq: url(D % (Q - 1n)),
    qi: url(inverse(Q, P)),
  };
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

describeWhere(isThere(FILE), FILE, 'the published vectors', () => {
  const vectors: readonly Vector[] = isThere(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : [];

  test('there are some', () => expect(vectors.length).toBeGreaterThanOrEqual(2));

  test.each(vectors.map((vector, at) => [at + 1, vector] as const))('number %i', (_, vector) => {
    const { privateKey, publicKey } = keysOf(vector);
    const salt = hex(vector.salt);
    const variant = { saltLength: salt.length as 0 | 48, isRandomized: false };
    const message = hex(vector.msg);
    const n = number(vector.n);
    const blinding = hex(inverse(number(vector.inv), n).toString(16).padStart(vector.n.length, '0'));
    const made = blind(publicKey, message, variant, { random: randomBytes, salt, blinding });
    expect(Buffer.from(made.blinded).toString('hex')).toBe(vector.blinded_msg);
    expect(number(Buffer.from(made.inverse).toString('hex'))).toBe(number(vector.inv));
    const signed = blindSign(privateKey, publicKey, made.blinded);
    expect(Buffer.from(signed).toString('hex')).toBe(vector.blind_sig);
    const signature = finalize(publicKey, message, variant, made, signed);
    expect(Buffer.from(signature).toString('hex')).toBe(vector.sig);
    expect(verifyBlind(publicKey, message, variant, signature)).toBe(true);
    expect(verifyBlind(publicKey, Buffer.from('another message'), variant, signature)).toBe(false);
  });
});

describe.each(Object.keys(BLIND_RSA_VARIANTS) as BlindRsaVariantName[])('%s', (name) => {
  const variant = BLIND_RSA_VARIANTS[name];
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  test('there and back', () => {
    const message = prepare(Buffer.from('a token'), variant, randomBytes);
    expect(message.length).toBe(7 + (variant.isRandomized ? 32 : 0));
    const made = blind(publicKey, message, variant, { random: randomBytes });
    const signature = finalize(
      publicKey,
      message,
      variant,
      made,
      blindSign(privateKey, publicKey, made.blinded),
    );
    expect(verifyBlind(publicKey, message, variant, signature)).toBe(true);
    // The signer has seen neither the message nor the signature, and the next time it sees something else.
    const again = blind(publicKey, message, variant, { random: randomBytes });
    expect(Buffer.from(again.blinded).equals(made.blinded)).toBe(false);
  });
});

describe('what goes wrong', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const variant = BLIND_RSA_VARIANTS['RSABSSA-SHA384-PSS-Randomized'];
  const message = prepare(Buffer.from('a token'), variant, randomBytes);

  test('the signer takes what has the length of its key and is below it', async () => {
    for (const blinded of [
      new Uint8Array(0),
      new Uint8Array(255),
      new Uint8Array(257),
      new Uint8Array(256).fill(255),
    ])
      expect(await failure(() => blindSign(privateKey, publicKey, blinded))).toBe('BLIND_INPUT_INVALID');
  });

  test('a signature by another key, or of something else, is none', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const made = blind(publicKey, message, variant, { random: randomBytes });
    for (const wrong of [
      new Uint8Array(256),
      new Uint8Array(10),
      blindSign(privateKey, publicKey, blind(publicKey, message, variant, { random: randomBytes }).blinded),
    ])
      expect(await failure(() => finalize(publicKey, message, variant, made, wrong))).toBe(
        'BLIND_SIGNATURE_INVALID',
      );
    const foreign = blind(other.publicKey, message, variant, { random: randomBytes });
    const signed = blindSign(other.privateKey, other.publicKey, foreign.blinded);
    expect(await failure(() => finalize(publicKey, message, variant, foreign, signed))).toBe(
      'BLIND_SIGNATURE_INVALID',
    );
  });

  test('a signer whose two keys do not fit sends nothing: what it computed could give the key away', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const made = blind(publicKey, message, variant, { random: randomBytes });
    expect(['BLIND_SIGNATURE_INVALID', 'BLIND_INPUT_INVALID']).toContain(
      await failure(() => blindSign(other.privateKey, publicKey, made.blinded)),
    );
  });

  test('keys that are short, or no RSA keys, are refused', async () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    const ed25519 = generateKeyPairSync('ed25519').publicKey;
    for (const key of [short, ed25519])
      expect(await failure(() => blind(key, message, variant, { random: randomBytes }))).toBe(
        'ISSUER_KEY_INVALID',
      );
  });

  test('what makes no sense as a blinding is drawn anew', () => {
    const draws = [new Uint8Array(48).fill(1), new Uint8Array(256), randomBytes(256)];
    const made = blind(publicKey, message, variant, {
      random: (length) => draws.shift() ?? randomBytes(length),
    });
    const signature = finalize(
      publicKey,
      message,
      variant,
      made,
      blindSign(privateKey, publicKey, made.blinded),
    );
    expect(verifyBlind(publicKey, message, variant, signature)).toBe(true);
  });
});
