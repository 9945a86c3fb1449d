import type { EphemeralIdentity, EphemeralIdentityOptions } from '@private.me/xid';
import { XlockError } from '../errors.js';
import { sha256, toBase64url } from '../util/bytes.js';

/** The peer `@private.me/xid`, loaded at its first use. Throws `PLATFORM_CRYPTO_UNAVAILABLE` where it is not installed. */
async function xid(): Promise<typeof import('@private.me/xid')> {
  try {
    return await import('@private.me/xid');
  } catch (cause) {
    throw new XlockError('PLATFORM_CRYPTO_UNAVAILABLE', {
      cause,
      resolution: 'Install the peer: npm install @private.me/xid',
    });
  }
}

/**
 * Identities of a device for {@link XlockDeviceOptions.ephemeral}: one for each resource and epoch, from a master seed in shares (`backends`;
 * default in memory, so that each start is another one). They are of this device alone, even where others hold the same seed. `epochDurationMs`
 * must be `epochMs` of the service. `close()` it at the end. Rejects with what `EphemeralIdentity.create` does.
 */
export async function ephemeralFor(
  deviceId: string,
  options: Omit<EphemeralIdentityOptions, 'device'> = {},
): Promise<EphemeralIdentity> {
  const { EphemeralIdentity } = await xid();
  const device = toBase64url(sha256(`xlink/1 xlock device ${deviceId}`));
  return EphemeralIdentity.create({ maxVersion: 1, ...options, device });
}
