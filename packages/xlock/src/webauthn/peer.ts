import { XlockError } from '../errors.js';

/** The peer `@simplewebauthn/server`, loaded at its first use. Throws `PLATFORM_CRYPTO_UNAVAILABLE` where it is not installed. */
export async function simplewebauthn(): Promise<typeof import('@simplewebauthn/server')> {
  try {
    return await import('@simplewebauthn/server');
  } catch (cause) {
    throw new XlockError('PLATFORM_CRYPTO_UNAVAILABLE', {
      cause,
      resolution: 'Install the peer: npm install @simplewebauthn/server@14',
    });
  }
}
