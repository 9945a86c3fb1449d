import { describe, expect, test } from '@jest/globals';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { providers } from './providers.js';
import { outcome, toHex } from './vectors.js';

const of = (length: number) => new Uint8Array(length).fill(7);
const message = encodeUtf8('message');

describe.each(providers)('importing keys, %s', (_, { ed25519, x25519, mlKem768, mlDsa65 }) => {
  const imports = {
    'ed25519 seed': [32, (length: number) => ed25519.signer(of(length))],
    'ed25519 public key': [32, (length: number) => ed25519.verifier(of(length))],
    'x25519 secret': [32, (length: number) => x25519.keyPair(of(length))],
    'x25519 public key': [32, (length: number) => x25519.publicKey(of(length))],
    'ml-kem-768 seed': [64, (length: number) => mlKem768.decapsulator(of(length))],
    'ml-dsa-65 seed': [32, (length: number) => mlDsa65.signer(of(length))],
    'ml-dsa-65 public key': [1952, (length: number) => mlDsa65.verifier(of(length))],
  } as const;

  test.each(Object.entries(imports))('%s: no other length', async (name, [length, load]) => {
    for (const wrong of [0, length - 1, length + 1, 2 * length]) {
      expect([wrong, await outcome(() => load(wrong) as Promise<unknown>)]).toEqual([wrong, 'thrown']);
    }
    // Not every 32 bytes are a point.
    if (name !== 'ed25519 public key')
      expect(await outcome(() => load(length) as Promise<unknown>)).not.toBe('thrown');
  });

  // `slice` of a Buffer is no copy.
  test.each([
    ['Uint8Array', (bytes: Uint8Array) => Uint8Array.from(bytes)],
    ['Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
  ])('the caller may wipe its %s afterwards', async (_type, make) => {
    const wiped = async <T>(length: number, load: (bytes: Uint8Array) => T | Promise<T>) => {
      const bytes = make(of(length));
      const loaded = await load(bytes);
      bytes.fill(0);
      return loaded;
    };
    const signer = await wiped(32, ed25519.signer);
    const expected = await (await ed25519.signer(of(32))).sign(message);
    expect(toHex(await signer.sign(message))).toBe(toHex(expected));

    const publicKey = make(signer.publicKey);
    const verifier = await ed25519.verifier(publicKey);
    publicKey.fill(0);
    expect(await verifier.verify(message, expected)).toBe(true);

    const [pair, peer] = [await wiped(32, x25519.keyPair), await wiped(32, x25519.publicKey)];
    const [samePair, samePeer] = [await x25519.keyPair(of(32)), await x25519.publicKey(of(32))];
    expect(toHex(await pair.agree(peer))).toBe(toHex(await samePair.agree(samePeer)));
    expect(toHex(peer.bytes)).toBe(toHex(of(32)));

    const kem = await wiped(64, mlKem768.decapsulator);
    const { ciphertext, secret } = await (await mlKem768.encapsulator(kem.publicKey))!.encapsulate();
    expect(toHex(await kem.decapsulate(ciphertext))).toBe(toHex(secret));

    const dsa = await wiped(32, mlDsa65.signer);
    const signature = await dsa.sign(message);
    expect(await (await mlDsa65.verifier(dsa.publicKey)).verify(message, signature)).toBe(true);
  });
});
