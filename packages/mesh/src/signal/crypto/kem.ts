import { randomBytes } from 'node:crypto';
import { type CryptoProvider, Identity } from '@private.me/xlink';

/** An ML-KEM-768 key pair (FIPS 203): the 64-byte seed `d || z`, and the 1184-byte public key. */
export interface KemPair {
  readonly seed: Uint8Array;
  readonly public: Uint8Array;
}

/** ML-KEM-768, native where Node has it. */
export interface Kem {
  /** A fresh key pair, or that of a seed. */
  newPair(seed?: Uint8Array): Promise<KemPair>;
  /** A 32-byte secret and its 1088-byte ciphertext; `undefined` for a public key that is none (FIPS 203 section 7.2). */
  encapsulate(
    publicKey: Uint8Array,
  ): Promise<{ readonly secret: Uint8Array; readonly ciphertext: Uint8Array } | undefined>;
  /** The 32-byte secret. A ciphertext that was changed yields another one, not an error (implicit rejection). */
  decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array>;
}

/** Bytes of public key and ciphertext. */
export const KEM_KEY_BYTES = 1184;
export const KEM_CIPHERTEXT_BYTES = 1088;
export const KEM_SEED_BYTES = 64;

let provider: Promise<CryptoProvider> | undefined;

/** The primitives of the library, which has found out what this Node has. An identity knows them. */
const loadProvider = (): Promise<CryptoProvider> => {
  provider ??= Identity.fromSeed(randomBytes(32), { maxVersion: 1 }).then(({ crypto }) => crypto);
  return provider;
};

/** ML-KEM-768 as the library has it. */
export async function loadKem(): Promise<Kem> {
  const { mlKem768 } = await loadProvider();
  return {
    async newPair(seed = new Uint8Array(randomBytes(KEM_SEED_BYTES))) {
      const { publicKey } = await mlKem768.decapsulator(seed);
      return { seed, public: Uint8Array.from(publicKey) };
    },
    async encapsulate(publicKey) {
      const made = await (await mlKem768.encapsulator(publicKey))?.encapsulate();
      return made && { secret: made.secret, ciphertext: Uint8Array.from(made.ciphertext) };
    },
    decapsulate: async (seed, ciphertext) => (await mlKem768.decapsulator(seed)).decapsulate(ciphertext),
  };
}
