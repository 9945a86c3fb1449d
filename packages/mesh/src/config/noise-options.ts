import type { NoiseOptions } from '../noise/options.js';
import type { CryptoConfig } from './crypto-config.js';

/**
 * Options of a `NoiseProvider` by `algorithms` and `protocols.noise`. With `signing: ml-dsa-65` the identity needs such a key
 * (`postQuantumSig` of `Identity`).
 */
export const noiseOptionsOf = ({
  algorithms,
  noise,
}: CryptoConfig): Pick<NoiseOptions, 'hybrid' | 'cipher' | 'postQuantumSig' | 'prefer'> => ({
  hybrid: algorithms.hybridMode,
  cipher: noise.cipher,
  postQuantumSig: algorithms.signing === 'ml-dsa-65',
  prefer: noise.transport,
});
