import { describe, expect, test } from '@jest/globals';
import { isStrictEd25519Key } from '../../src/crypto/ed25519-rules.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { pairs, postQuantumProviders, providers } from './providers.js';
import { toHex } from './vectors.js';

const bytes = (length: number, start: number) => Uint8Array.from({ length }, (_, i) => start + i * 7);
const messages = [bytes(0, 0), encodeUtf8('hello'), bytes(1000, 3), bytes(100_000, 9)];
const seed = bytes(32, 1);

describe.each(pairs(providers))('%s writes, %s reads', (_a, _b, writer, reader) => {
  test('ed25519', async () => {
    const signer = await writer.ed25519.signer(seed);
    const same = await reader.ed25519.signer(seed);
    const verifier = await reader.ed25519.verifier(signer.publicKey);
    expect(isStrictEd25519Key(signer.publicKey)).toBe(true);
    expect(toHex(same.publicKey)).toBe(toHex(signer.publicKey));
    for (const message of messages) {
      const signature = await signer.sign(message);
      expect(toHex(await same.sign(message))).toBe(toHex(signature));
      expect(await verifier.verify(message, signature)).toBe(true);
      expect(await verifier.verify(bytes(message.length + 1, 1), signature)).toBe(false);
    }
  });

  test('x25519', async () => {
    const fresh = await writer.x25519.keyPair();
    const fixed = await reader.x25519.keyPair(seed);
    const there = await fresh.agree(await writer.x25519.publicKey(fixed.publicKey));
    const here = await fixed.agree(await reader.x25519.publicKey(fresh.publicKey));
    expect(there).toHaveLength(32);
    expect(toHex(there)).toBe(toHex(here));
    expect(toHex((await writer.x25519.keyPair(seed)).publicKey)).toBe(toHex(fixed.publicKey));
  });

  test('aes-256-gcm', async () => {
    const [key, iv] = [bytes(32, 5), bytes(12, 6)];
    for (const message of messages) {
      for (const aad of [bytes(0, 0), bytes(77, 2)]) {
        const sealed = await writer.aes256gcm.seal(key, iv, aad, message);
        expect(sealed).toHaveLength(message.length + 16);
        expect(toHex(await reader.aes256gcm.open(key, iv, aad, sealed))).toBe(toHex(message));
        for (const at of [0, sealed.length - 16, sealed.length - 1]) {
          const forged = Uint8Array.from(sealed);
          forged[at]! ^= 1;
          expect(await reader.aes256gcm.open(key, iv, aad, forged)).toBeUndefined();
        }
        expect(await reader.aes256gcm.open(key, iv, bytes(78, 2), sealed)).toBeUndefined();
        expect(await reader.aes256gcm.open(key, iv, aad, sealed.slice(0, 15))).toBeUndefined();
        expect(await reader.aes256gcm.open(key, iv, aad, bytes(0, 0))).toBeUndefined();
      }
    }
  });

  test('hkdf and sha-256', async () => {
    for (const length of [1, 32, 44, 255 * 32]) {
      const derived = await writer.hkdf(seed, encodeUtf8('info'), length);
      expect(derived).toHaveLength(length);
      expect(toHex(await reader.hkdf(seed, encodeUtf8('info'), length))).toBe(toHex(derived));
    }
    for (const message of messages) {
      expect(toHex(await reader.sha256(message))).toBe(toHex(await writer.sha256(message)));
    }
  });
});

describe.each(pairs(postQuantumProviders))('%s writes, %s reads', (_a, _b, writer, reader) => {
  test('ml-kem-768', async () => {
    const own = await reader.mlKem768.decapsulator(bytes(64, 4));
    expect(toHex((await writer.mlKem768.decapsulator(bytes(64, 4))).publicKey)).toBe(toHex(own.publicKey));
    const encapsulator = (await writer.mlKem768.encapsulator(own.publicKey))!;
    for (let i = 0; i < 10; i++) {
      const { ciphertext, secret } = await encapsulator.encapsulate();
      expect([ciphertext.length, secret.length]).toEqual([1088, 32]);
      expect(toHex(await own.decapsulate(ciphertext))).toBe(toHex(secret));
      const forged = Uint8Array.from(ciphertext);
      forged[i]! ^= 1;
      expect(toHex(await own.decapsulate(forged))).not.toBe(toHex(secret));
    }
  });

  test('ml-kem-768: the secret of implicit rejection is the same', async () => {
    const [one, other] = [
      await writer.mlKem768.decapsulator(bytes(64, 4)),
      await reader.mlKem768.decapsulator(bytes(64, 4)),
    ];
    expect(toHex(await one.decapsulate(bytes(1088, 1)))).toBe(toHex(await other.decapsulate(bytes(1088, 1))));
  });

  test('ml-dsa-65, with and without context', async () => {
    const signer = await writer.mlDsa65.signer(seed);
    expect(toHex((await reader.mlDsa65.signer(seed)).publicKey)).toBe(toHex(signer.publicKey));
    const verifier = await reader.mlDsa65.verifier(signer.publicKey);
    for (const context of [undefined, bytes(0, 0), encodeUtf8('xlink'), bytes(255, 1)]) {
      const signature = await signer.sign(messages[1]!, context);
      expect(signature).toHaveLength(3309);
      expect(await verifier.verify(messages[1]!, signature, context)).toBe(true);
      expect(await verifier.verify(messages[2]!, signature, context)).toBe(false);
      expect(await verifier.verify(messages[1]!, signature, encodeUtf8('other'))).toBe(false);
      expect(await verifier.verify(messages[1]!, signature.slice(1), context)).toBe(false);
      const hedged = toHex(await signer.sign(messages[1]!, context));
      expect(hedged).not.toBe(toHex(signature));
    }
  });
});
