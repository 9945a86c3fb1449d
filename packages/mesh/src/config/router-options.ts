import type { RouterOptions } from '../router/options.js';
import type { CryptoConfig } from './crypto-config.js';

/** Options of a `SecureMeshRouter` by `algorithms`: with `hybrid_mode` it takes hybrid channels only. */
export const routerOptionsOf = ({ algorithms }: CryptoConfig): Pick<RouterOptions, 'postQuantum'> => ({
  postQuantum: algorithms.hybridMode,
});
