import { describe, expect, test } from '@jest/globals';
import { createMLKEM768 } from 'liboqs-js/kem';
import { OptionalMlKem768 } from '../../src/crypto/native/wasm-ml-kem.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';

const { mlKem768: noble, randomBytes } = createPortableProvider();
const seed = () => new Uint8Array(64).fill(7);
const optional = (load: ConstructorParameters<typeof OptionalMlKem768>[1]) =>
  new OptionalMlKem768(randomBytes, load);

/** Whether what it encapsulates is opened by noble, and the other way round. */
async function works(kem: OptionalMlKem768) {
  const [one, other] = [await kem.decapsulator(seed()), await noble.decapsulator(seed())];
  const sent = await (await kem.encapsulator(other.publicKey))!.encapsulate();
  const received = await (await noble.encapsulator(one.publicKey))!.encapsulate();
  expect(await other.decapsulate(sent.ciphertext)).toEqual(sent.secret);
  expect(await one.decapsulate(Buffer.from(received.ciphertext))).toEqual(received.secret);
}

describe('ML-KEM-768 of @oqs/liboqs-js', () => {
  test('is used where it is installed, and loaded once', async () => {
    let loads = 0;
    const kem = optional(() => {
      loads += 1;
      return createMLKEM768();
    });
    expect(kem.implementation).toBe('noble');
    await Promise.all([works(kem), works(kem)]);
    expect(kem.implementation).toBe('@oqs/liboqs-js');
    expect(loads).toBe(1);
    expect(kem.decapsulator(seed())).not.toBeInstanceOf(Promise);
  });

  test('noble stays where it is not installed', async () => {
    const kem = optional(() => Promise.reject(new Error("Cannot find package '@oqs/liboqs-js'")));
    await works(kem);
    expect(kem.implementation).toBe('noble');
  });

  test.each(['encapsulate', 'decapsulate'] as const)(
    'noble stays where its %s gives something else',
    async (name) => {
      const kem = optional(async () => {
        const library = await createMLKEM768();
        const wrong = {
          encapsulate: (key: Uint8Array) => ({
            ...library.encapsulate(key),
            sharedSecret: new Uint8Array(32),
          }),
          decapsulate: () => new Uint8Array(32),
        };
        return {
          encapsulate: (key: Uint8Array) => library.encapsulate(key),
          decapsulate: (text: Uint8Array, key: Uint8Array) => library.decapsulate(text, key),
          [name]: wrong[name],
        };
      });
      await works(kem);
      expect(kem.implementation).toBe('noble');
    },
  );

  test('a key that is erased while it loads was copied', async () => {
    const kem = optional(createMLKEM768);
    const own = seed();
    const decapsulator = kem.decapsulator(own);
    own.fill(0);
    expect((await decapsulator).publicKey).toEqual((await noble.decapsulator(seed())).publicKey);
  });

  test('a public key with a coefficient of 3329 is refused, one with 3328 is not', async () => {
    const kem = optional(createMLKEM768);
    const { publicKey } = await noble.decapsulator(seed());
    for (const at of [0, 1149]) {
      const [low, high] = [Uint8Array.from(publicKey), Uint8Array.from(publicKey)];
      low.set([0x01, (publicKey[at + 1]! & 0xf0) | 0xd], at); // 3329
      high.set([publicKey[at + 1]! & 0x0f, 0xd0], at + 1); // 3328
      expect(await kem.encapsulator(low)).toBeUndefined();
      expect(await kem.encapsulator(high)).toBeDefined();
    }
    expect(await kem.encapsulator(publicKey.subarray(1))).toBeUndefined();
  });
});
