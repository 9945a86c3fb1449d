import { describe, expect, test } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import { ED25519_TRIAL } from '../../src/crypto/portable/trials.js';
import { decodeBase64url, encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { encodings, fromLittleEndian, L, Point, response, signature, times, torsion } from './edge-points.js';

const runtime = globalThis.crypto.subtle;
const seed = new Uint8Array(32).fill(1);
const message = encodeUtf8('xlink');

/** The runtime's WebCrypto with some of its methods replaced. */
function altered(changes: Partial<SubtleCrypto>): SubtleCrypto {
  return new Proxy(runtime, {
    get(target, name) {
      const method = Reflect.get(changes, name) ?? Reflect.get(target, name, target);
      return (method as () => unknown).bind(target);
    },
  });
}

/** Uses every primitive once and says what served it. */
async function used(subtle?: SubtleCrypto | false) {
  const provider = createPortableProvider(subtle === undefined ? {} : { subtle });
  const { publicKey } = await provider.ed25519.signer(seed);
  await provider.ed25519.verifier(publicKey);
  await provider.x25519.keyPair(seed);
  await provider.sha256(message);
  await provider.aes256gcm.seal(seed, seed.slice(0, 12), message, message);
  const { ed25519, x25519, aes256gcm, hash } = provider.implementations;
  return { ed25519, x25519, aes256gcm, hash };
}

const WEB = { ed25519: 'WebCrypto', x25519: 'WebCrypto', aes256gcm: 'WebCrypto', hash: 'WebCrypto' };
const NOBLE = { ed25519: 'noble', x25519: 'noble', aes256gcm: 'noble', hash: 'noble' };

/** Verifies with noble under a rule of its own. */
const verifying = (rule: (bytes: Uint8Array, data: Uint8Array) => boolean) =>
  altered({
    verify: async (_algorithm, _key, bytes, data) => rule(bytes as Uint8Array, data as Uint8Array),
  });
const publicKey = ed25519.getPublicKey(seed);
const [strict] = [createPortableProvider({ subtle: false }).ed25519.verifier(publicKey)];

describe('the portable provider chooses per primitive', () => {
  test('WebCrypto for all four on this runtime', async () => {
    expect(await used()).toEqual(WEB);
  });

  test('nothing before the first use, then once for all', async () => {
    let digests = 0;
    const digest: SubtleCrypto['digest'] = (algorithm, data) => {
      digests++;
      return runtime.digest(algorithm, data);
    };
    const provider = createPortableProvider({ subtle: altered({ digest }) });
    expect(provider.implementations.hash).toBe('untried');
    await Promise.all([provider.sha256(message), provider.sha256(message)]);
    await provider.sha256(message);
    expect(provider.implementations).toMatchObject({ hash: 'WebCrypto', ed25519: 'untried' });
    expect(digests).toBe(1 + 3);
  });

  test('noble alone, and then synchronously', async () => {
    expect(await used(false)).toEqual(NOBLE);
    expect(createPortableProvider({ subtle: false }).sha256(message)).toBeInstanceOf(Uint8Array);
  });

  test('noble where WebCrypto throws', async () => {
    const importKey = async () => Promise.reject(new Error('not supported'));
    expect(await used(altered({ importKey: importKey as SubtleCrypto['importKey'] }))).toEqual(NOBLE);
    expect(await used({} as SubtleCrypto)).toEqual(NOBLE);
  });

  test('noble where WebCrypto answers wrongly', async () => {
    const digest = async () => new ArrayBuffer(32);
    const deriveBits = async () => new ArrayBuffer(32);
    const decrypt = async () => message.slice().buffer;
    expect(await used(altered({ digest }))).toEqual({ ...WEB, hash: 'noble' });
    expect(await used(altered({ deriveBits }))).toEqual({ ...WEB, hash: 'noble', x25519: 'noble' });
    expect(await used(altered({ decrypt }))).toEqual({ ...WEB, aes256gcm: 'noble' });
  });
});

test('an all-zero X25519 result is refused where WebCrypto lets it pass', async () => {
  const deriveBits: SubtleCrypto['deriveBits'] = (...call) =>
    runtime.deriveBits(...call).catch(() => new ArrayBuffer(32));
  const provider = createPortableProvider({ subtle: altered({ deriveBits }) });
  const pair = await provider.x25519.keyPair(seed);
  expect(provider.implementations.x25519).toBe('WebCrypto');
  expect(await pair.agree(await provider.x25519.publicKey(new Uint8Array(32)))).toBeUndefined();
});

test('WebCrypto that refuses an all-zero X25519 key at import, as Firefox does, is used all the same', async () => {
  const importKey = (...call: Parameters<SubtleCrypto['importKey']>) =>
    (call[1] as Uint8Array).every?.((byte) => byte === 0)
      ? Promise.reject(new DOMException('refused', 'DataError'))
      : runtime.importKey(...call);
  const provider = createPortableProvider({
    subtle: altered({ importKey: importKey as SubtleCrypto['importKey'] }),
  });
  const pair = await provider.x25519.keyPair(seed);
  expect(provider.implementations.x25519).toBe('WebCrypto');
  expect(await pair.agree(await provider.x25519.publicKey(new Uint8Array(32)))).toBeUndefined();
});

describe('WebCrypto is not used for Ed25519 if it', () => {
  const verify = async (bytes: Uint8Array, data: Uint8Array) => (await strict).verify(data, bytes) as boolean;

  test('(with the very rules, it is used)', async () => {
    const subtle = altered({
      verify: async (_a, _k, bytes, data) => verify(bytes as Uint8Array, data as Uint8Array),
    });
    expect((await used(subtle)).ed25519).toBe('WebCrypto');
  });

  test('verifies with the cofactor', async () => {
    const subtle = verifying((bytes, data) => ed25519.verify(bytes, data, publicKey, { zip215: false }));
    expect((await used(subtle)).ed25519).toBe('noble');
  });

  test.each(Object.keys(ED25519_TRIAL.refused))('accepts %s', async (name) => {
    const accepted = ED25519_TRIAL.refused[name as keyof typeof ED25519_TRIAL.refused];
    const subtle = altered({
      verify: async (_a, _k, bytes, data) =>
        encodeBase64url(bytes as Uint8Array) === accepted || verify(bytes as Uint8Array, data as Uint8Array),
    });
    expect((await used(subtle)).ed25519).toBe('noble');
  });

  test('signs with added randomness', async () => {
    const sign = async () => new ArrayBuffer(64);
    expect((await used(altered({ sign }))).ed25519).toBe('noble');
  });
});

describe('the signatures of the Ed25519 trial', () => {
  const { scalar: a } = ed25519.utils.getExtendedPublicKey(seed);
  const written = (R: Uint8Array, r: bigint) => signature(R, response(r, a, R, publicKey, message));
  const honest = ed25519.sign(message, seed);
  const identity = encodings(Point.ZERO);

  test('belong to this key and message', () => {
    expect(ED25519_TRIAL.signature).toBe(encodeBase64url(honest));
  });

  test('are what they claim', () => {
    const largeS = fromLittleEndian(honest.slice(32)) + L;
    expect(ED25519_TRIAL.refused.largeS).toBe(encodeBase64url(signature(honest.slice(0, 32), largeS)));
    const withTorsion = torsion.map((t) =>
      encodeBase64url(written(times(Point.BASE, 7n).add(t).toBytes(), 7n)),
    );
    expect([1, 3, 5, 7].map((i) => withTorsion[i])).toContain(ED25519_TRIAL.refused.torsionR);
    expect(ED25519_TRIAL.refused.nonCanonicalR).toBe(encodeBase64url(written(identity[1]!, 0n)));
  });

  test('other rules would accept the refused ones, all but S + L', () => {
    const { torsionR, nonCanonicalR } = ED25519_TRIAL.refused;
    for (const one of [torsionR, nonCanonicalR]) {
      expect(ed25519.verify(decodeBase64url(one)!, message, publicKey, { zip215: true })).toBe(true);
    }
  });
});
