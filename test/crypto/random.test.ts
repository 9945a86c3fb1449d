import { createHash } from 'node:crypto';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createPortableProvider, defaultProvider } from '../../src/crypto/portable/index.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { toHex } from './vectors.js';

/** A generator that gives the same bytes for the same label, and different ones at each call. */
function fixed(label: string) {
  let calls = 0;
  return (length: number): Uint8Array => {
    const seed = `${label} ${calls++}`;
    return new Uint8Array(createHash('shake256', { outputLength: length }).update(seed).digest());
  };
}

/** Everything of the provider that is random. */
async function draw(label: string, subtle?: false) {
  const provider = createPortableProvider({
    randomBytes: fixed(label),
    ...(subtle === false ? { subtle } : {}),
  });
  const peer = await provider.x25519.publicKey(
    (await provider.x25519.keyPair(new Uint8Array(32).fill(9))).publicKey,
  );
  const pair = await provider.x25519.keyPair();
  const { publicKey } = await provider.mlKem768.decapsulator(new Uint8Array(64).fill(2));
  const { ciphertext, secret } = await (await provider.mlKem768.encapsulator(publicKey))!.encapsulate();
  const mlDsa65 = await provider.mlDsa65.signer(new Uint8Array(32).fill(3));
  return {
    bytes: toHex(provider.randomBytes(16)),
    publicKey: toHex(pair.publicKey),
    shared: toHex(await pair.agree(peer)),
    ciphertext: toHex(ciphertext),
    secret: toHex(secret),
    signature: toHex(await mlDsa65.sign(encodeUtf8('message'), encodeUtf8('context'))),
  };
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a portable provider with an injected generator', () => {
  test('gives the same output for the same bytes, with WebCrypto and without', async () => {
    const first = await draw('one');
    expect(await draw('one')).toEqual(first);
    expect(await draw('one', false)).toEqual(first);
  });

  test('gives other output for other bytes, in every part', async () => {
    const [one, two] = [await draw('one'), await draw('two')];
    for (const key of Object.keys(one) as (keyof typeof one)[])
      expect([key, one[key]]).not.toEqual([key, two[key]]);
  });

  test('asks another source only to blind scalars, which shows in no output', async () => {
    const runtime = jest.spyOn(globalThis.crypto, 'getRandomValues');
    await draw('one', false);
    expect(runtime.mock.calls.filter(([into]) => into?.byteLength !== 16)).toEqual([]);
  });

  test.each([31, 33, 0])('refuses a generator that gives %d bytes in place of 32', async (length) => {
    const provider = createPortableProvider({ randomBytes: () => new Uint8Array(length).fill(7) });
    const { publicKey } = await provider.mlKem768.decapsulator(new Uint8Array(64).fill(2));
    const encapsulator = (await provider.mlKem768.encapsulator(publicKey))!;
    const signer = await provider.mlDsa65.signer(new Uint8Array(32).fill(3));
    await expect((async () => provider.x25519.keyPair())()).rejects.toThrow();
    await expect((async () => encapsulator.encapsulate())()).rejects.toThrow();
    await expect((async () => signer.sign(encodeUtf8('message')))()).rejects.toThrow();
  });
});

describe('the default generator', () => {
  test('fills any length, beyond what getRandomValues gives at once', () => {
    const { randomBytes } = defaultProvider();
    expect(randomBytes(0)).toHaveLength(0);
    for (const length of [32, 65536, 65537, 200_000]) {
      const bytes = randomBytes(length);
      expect(bytes).toHaveLength(length);
      expect(bytes.subarray(-16).some((byte) => byte !== 0)).toBe(true);
    }
    expect(toHex(randomBytes(32))).not.toBe(toHex(randomBytes(32)));
  });

  test('is shared by all users of the default provider', () => {
    expect(defaultProvider()).toBe(defaultProvider());
  });
});
