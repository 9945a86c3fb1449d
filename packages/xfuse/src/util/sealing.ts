import { type CryptoProvider, generateIdentity } from '@private.me/xlink';
import { concat, fromBase64url, lengthPrefixed, toBase64url } from './bytes.js';

let chosen: Promise<CryptoProvider> | undefined;

/** The primitives of the platform, as the root chose them. */
export function platformCrypto(): Promise<CryptoProvider> {
  chosen ??= generateIdentity({ maxVersion: 1 }).then((identity) => {
    if (!identity.ok) throw identity.error;
    return identity.value.crypto;
  });
  return chosen;
}

/** 32 bytes by HKDF-SHA256 (RFC 5869). */
export const deriveKey = async (
  crypto: CryptoProvider,
  secret: Uint8Array,
  ...info: readonly (string | Uint8Array)[]
): Promise<Uint8Array> => crypto.hkdf(secret, lengthPrefixed(...info), 32);

/** AES-256-GCM under a fresh 12-byte IV, which comes first; as base64url. */
export async function seal(
  crypto: CryptoProvider,
  key: Uint8Array,
  about: Uint8Array,
  plaintext: Uint8Array,
): Promise<string> {
  const iv = crypto.randomBytes(12);
  return toBase64url(concat([iv, await crypto.aes256gcm.seal(key, iv, about, plaintext)]));
}

/** What was sealed; `undefined` if the key, what it is about, or a byte is another one. */
export async function unseal(
  crypto: CryptoProvider,
  key: Uint8Array,
  about: Uint8Array,
  sealed: string,
): Promise<Uint8Array | undefined> {
  const bytes = fromBase64url(sealed);
  if (!bytes || bytes.length < 28) return undefined;
  return crypto.aes256gcm.open(key, bytes.subarray(0, 12), about, bytes.subarray(12));
}
