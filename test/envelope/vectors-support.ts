import { defaultProvider as native } from '../../src/crypto/native/index.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';

export const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['native', native()],
  ['portable', createPortableProvider()],
  ['portable, noble alone', createPortableProvider({ subtle: false })],
];
