import { createMLKEM768 } from 'liboqs-js/kem';
import { defaultProvider as native } from '../../src/crypto/native/index.js';
import { OptionalMlKem768 } from '../../src/crypto/native/wasm-ml-kem.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';

export type Named = readonly [name: string, provider: CryptoProvider];

const noble: Named = ['portable, noble alone', createPortableProvider({ subtle: false })];

export const providers: readonly Named[] = [
  ['native', native()],
  ['portable, WebCrypto', createPortableProvider()],
  noble,
];

/** What Node without ML-KEM uses where the optional package is installed. */
const liboqs: Named = [
  'native, ML-KEM of liboqs',
  { ...native(), mlKem768: new OptionalMlKem768(native().randomBytes, createMLKEM768) },
];

/** Both portable providers have the same ML-KEM and ML-DSA. */
export const postQuantumProviders: readonly Named[] = [['native', native()], liboqs, noble];

/** Every provider as the one that writes, with every one as the one that reads. */
export const pairs = (list: readonly Named[]) =>
  list.flatMap(([a, writer]) => list.map(([b, reader]) => [a, b, writer, reader] as const));
