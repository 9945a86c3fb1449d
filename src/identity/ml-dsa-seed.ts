import { xlinkError } from '../errors/errors.js';
import { Identity, INFO } from './identity.js';

/**
 * The seed of the ML-DSA-65 key that an identity of version 3 has, 32 bytes (xi in FIPS 204 algorithm 1): for protocols that
 * keep or use that key in a form of their own. With an ML-DSA context other than that of xLink, or none, their signatures are good
 * nowhere in xLink. Keep it secret. Throws `INVALID_OPTION` for an identity of a lower version.
 */
export async function mlDsa65SeedOf(identity: Identity): Promise<Uint8Array> {
  if (!(identity instanceof Identity) || !identity.mlDsa65)
    throw xlinkError('INVALID_OPTION', {
      field: 'identity',
      hint: 'mlDsa65SeedOf takes an Identity with an ML-DSA-65 key: make it with maxVersion: 3.',
    });
  return identity.crypto.hkdf(identity.privateKey, INFO.mlDsa65, 32);
}
