import { defaultProvider as native } from '../../src/crypto/native/index.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { xlinkError } from '../../src/errors/errors.js';
import { err } from '../../src/errors/result.js';
import type { TrustRegistry } from '../../src/types/ports.js';

export const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['native', native()],
  ['portable', createPortableProvider()],
  ['portable, noble alone', createPortableProvider({ subtle: false })],
];

export const registryOf = (lookup: TrustRegistry['lookup']): TrustRegistry => ({
  lookup,
  register: () => err(xlinkError('REGISTRATION_FAILED')),
  updateKeys: () => err(xlinkError('REGISTRATION_FAILED')),
});
