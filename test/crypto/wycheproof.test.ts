import { describe, expect, test } from '@jest/globals';
import { isStrictEd25519Key } from '../../src/crypto/ed25519-rules.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import { postQuantumProviders, providers } from './providers.js';
import { failures, hex, outcome, toHex, withVectors } from './vectors.js';

withVectors<{ publicKey: { pk: string } }, { msg: string; sig: string }>('ed25519_test', (cases) => {
  describe.each(providers)('ed25519, %s', (_, { ed25519 }) => {
    test(`${cases.length} signatures`, async () => {
      expect(cases.length).toBeGreaterThanOrEqual(150);
      const failed = await failures(cases, async ({ publicKey, msg, sig, result }) => {
        const key = hex(publicKey.pk);
        const verifier = await ed25519.verifier(key);
        return (
          isStrictEd25519Key(key) && (await verifier.verify(hex(msg), hex(sig))) === (result === 'valid')
        );
      });
      expect(failed).toEqual([]);
    });
  });
});

withVectors<object, { public: string; private: string; shared: string }>('x25519_test', (cases) => {
  describe.each(providers)('x25519, %s', (_, { x25519 }) => {
    test(`${cases.length} agreements, all-zero results refused`, async () => {
      expect(cases.length).toBeGreaterThanOrEqual(510);
      const failed = await failures(cases, async (one) => {
        const own = await x25519.keyPair(hex(one.private));
        const shared = await own.agree(await x25519.publicKey(hex(one.public)));
        return toHex(shared) === (one.flags.includes('ZeroSharedSecret') ? undefined : one.shared);
      });
      expect(failed).toEqual([]);
    });
  });
});

withVectors<object, { ikm: string; salt: string; info: string; size: number; okm: string }>(
  'hkdf_sha256_test',
  (all) => {
    const cases = all.filter(({ salt }) => salt === '');
    describe.each(providers)('hkdf, %s', (_, { hkdf }) => {
      test(`${cases.length} of ${all.length} derivations: those with an empty salt`, async () => {
        expect(cases.length).toBeGreaterThanOrEqual(23);
        const failed = await failures(cases, async ({ ikm, info, size, okm, result }) => {
          const output = await outcome(() => hkdf(hex(ikm), hex(info), size));
          return result === 'valid' ? output !== 'thrown' && toHex(output) === okm : output === 'thrown';
        });
        expect(failed).toEqual([]);
      });
    });
  },
);

interface GcmGroup {
  readonly keySize: number;
  readonly ivSize: number;
  readonly tagSize: number;
}
interface GcmCase {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}
withVectors<GcmGroup, GcmCase>('aes_gcm_test', (all) => {
  const fits = (one: GcmGroup) => one.keySize === 256 && one.ivSize === 96 && one.tagSize === 128;
  const cases = all.filter(fits);
  const otherKeys = all.filter((one) => one.keySize !== 256 && one.ivSize === 96);
  describe.each(providers)('aes-256-gcm, %s', (_, { aes256gcm: { seal, open } }) => {
    test(`${cases.length} of ${all.length} messages: those with a 256-bit key and a 96-bit nonce`, async () => {
      expect(cases.length).toBeGreaterThanOrEqual(66);
      const failed = await failures(cases, async ({ key, iv, aad, msg, ct, tag, result }) => {
        const opened = await open(hex(key), hex(iv), hex(aad), hex(ct + tag));
        if (result === 'invalid') return opened === undefined;
        const sealed = await seal(hex(key), hex(iv), hex(aad), hex(msg));
        return toHex(opened) === msg && toHex(sealed) === ct + tag;
      });
      expect(failed).toEqual([]);
    });

    test(`${otherKeys.length} of ${all.length} messages: those with a shorter key are refused`, async () => {
      expect(otherKeys.length).toBeGreaterThanOrEqual(130);
      const failed = await failures(otherKeys, async ({ key, iv, aad, msg, ct, tag }) => {
        const opened = await outcome(() => open(hex(key), hex(iv), hex(aad), hex(ct + tag)));
        const sealed = await outcome(() => seal(hex(key), hex(iv), hex(aad), hex(msg)));
        return opened === 'thrown' && sealed === 'thrown';
      });
      expect(failed).toEqual([]);
    });
  });
});

withVectors<object, { seed: string; ek?: string; c: string; K: string }>('mlkem_768_test', (cases) => {
  describe.each(postQuantumProviders)('ml-kem-768 decapsulation, %s', (_, { mlKem768 }) => {
    test(`${cases.length} ciphertexts`, async () => {
      expect(cases.length).toBeGreaterThanOrEqual(190);
      const failed = await failures(cases, async ({ seed, ek, c, K, result }) => {
        const output = await outcome(async () => {
          const key = await mlKem768.decapsulator(hex(seed));
          return { ek: toHex(key.publicKey), K: toHex(await key.decapsulate(hex(c))) };
        });
        return result === 'valid'
          ? output !== 'thrown' && output.ek === ek && output.K === K
          : output === 'thrown';
      });
      expect(failed).toEqual([]);
    });
  });
});

withVectors<object, { seed: string; ek: string }>('mlkem_768_keygen_seed_test', (cases) => {
  describe.each(postQuantumProviders)('ml-kem-768 key generation, %s', (_, { mlKem768 }) => {
    test(`${cases.length} seeds`, async () => {
      expect(cases.length).toBeGreaterThanOrEqual(100);
      const failed = await failures(cases, async ({ seed, ek }) => {
        return toHex((await mlKem768.decapsulator(hex(seed))).publicKey) === ek;
      });
      expect(failed).toEqual([]);
    });
  });
});

withVectors<object, { m: string; ek: string; c: string; K: string }>('mlkem_768_encaps_test', (cases) => {
  const bad = cases.filter(({ result }) => result === 'invalid');
  const good = cases.filter(({ result }) => result === 'valid');

  describe.each(postQuantumProviders)('ml-kem-768 public keys, %s', (_, { mlKem768 }) => {
    test(`${bad.length} bad ones are refused, ${good.length} good ones are not`, async () => {
      expect(bad.length).toBeGreaterThanOrEqual(130);
      expect(good.length).toBeGreaterThanOrEqual(130);
      const failed = await failures(cases, async ({ ek, result }) => {
        const encapsulator = await outcome(() => mlKem768.encapsulator(hex(ek)));
        return result === 'valid'
          ? encapsulator !== undefined && encapsulator !== 'thrown'
          : encapsulator === undefined;
      });
      expect(failed).toEqual([]);
    });
  });

  test(`ml-kem-768 encapsulation, portable: ${good.length} ciphertexts and secrets from given coins`, async () => {
    const failed = await failures(good, async ({ m, ek, c, K }) => {
      const { mlKem768 } = createPortableProvider({ subtle: false, randomBytes: () => hex(m) });
      const { ciphertext, secret } = await (await mlKem768.encapsulator(hex(ek)))!.encapsulate();
      return toHex(ciphertext) === c && toHex(secret) === K;
    });
    expect(failed).toEqual([]);
  });
});

withVectors<{ publicKey: string }, { msg: string; sig: string; ctx?: string }>(
  'mldsa_65_verify_test',
  (cases) => {
    const withContext = cases.filter(({ ctx }) => ctx !== undefined);
    describe.each(postQuantumProviders)('ml-dsa-65 verification, %s', (_, { mlDsa65 }) => {
      test(`${cases.length} signatures, ${withContext.length} with a context`, async () => {
        expect(cases.length).toBeGreaterThanOrEqual(210);
        expect(withContext.length).toBeGreaterThanOrEqual(4);
        const failed = await failures(cases, async ({ publicKey, msg, sig, ctx, result }) => {
          const verdict = await outcome(async () => {
            const verifier = await mlDsa65.verifier(hex(publicKey));
            return verifier.verify(hex(msg), hex(sig), ctx === undefined ? undefined : hex(ctx));
          });
          return (verdict === true) === (result === 'valid');
        });
        expect(failed).toEqual([]);
      });
    });
  },
);

interface SignGroup {
  readonly privateSeed: string;
  readonly publicKey: string | null;
}
interface SignCase {
  readonly msg?: string;
  readonly sig: string;
  readonly ctx?: string;
  readonly rnd?: string;
}
withVectors<SignGroup, SignCase>('mldsa_65_sign_seed_test', (all) => {
  const bad = all.filter(({ result }) => result === 'invalid');
  // The others sign a digest (external mu), which the provider does not offer.
  const good = all.filter(({ result, msg }) => result === 'valid' && msg !== undefined);

  describe.each(postQuantumProviders)('ml-dsa-65 from seed, %s', (_, { mlDsa65 }) => {
    test(`${good.length} of ${all.length} cases: public key, and the vector's signature verifies`, async () => {
      expect(good.length).toBeGreaterThanOrEqual(80);
      const failed = await failures(good, async ({ privateSeed, publicKey, msg, sig, ctx }) => {
        const signer = await mlDsa65.signer(hex(privateSeed));
        const verifier = await mlDsa65.verifier(signer.publicKey);
        const context = ctx === undefined ? undefined : hex(ctx);
        return toHex(signer.publicKey) === publicKey && (await verifier.verify(hex(msg!), hex(sig), context));
      });
      expect(failed).toEqual([]);
    });

    test(`${bad.length} of ${all.length} cases: seeds and contexts of wrong length are refused`, async () => {
      expect(bad.length).toBeGreaterThanOrEqual(4);
      const failed = await failures(bad, async ({ privateSeed, msg, ctx }) => {
        const sign = async () => (await mlDsa65.signer(hex(privateSeed))).sign(hex(msg!), hex(ctx ?? ''));
        return (await outcome(sign)) === 'thrown';
      });
      expect(failed).toEqual([]);
    });
  });

  // A signature that takes many attempts takes up to a second, so those are sampled.
  const sample = good.filter(({ flags }, i) => !flags.includes('ManySteps') || i % 4 === 0);
  test(`ml-dsa-65, portable: ${sample.length} of ${all.length} signatures from given randomness`, async () => {
    expect(sample.length).toBeGreaterThanOrEqual(40);
    const failed = await failures(sample, async ({ privateSeed, msg, sig, ctx, rnd }) => {
      // All zero is the deterministic variant (FIPS 204 section 3.4).
      const randomBytes = (length: number) => (rnd === undefined ? new Uint8Array(length) : hex(rnd));
      const { mlDsa65 } = createPortableProvider({ subtle: false, randomBytes });
      const signer = await mlDsa65.signer(hex(privateSeed));
      return toHex(await signer.sign(hex(msg!), ctx === undefined ? undefined : hex(ctx))) === sig;
    });
    expect(failed).toEqual([]);
  });
});
