import { encodeBase64url } from '../util/base64url.js';
import { malformed } from './profile.js';

/** 32 bytes in the one way to write them: the last two bits of 43 characters are 0. */
const SHA_256 = /^sha-256=:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])=:$/;

/** The value of `Content-Digest` (RFC 9530) for a SHA-256 of 32 bytes. */
export const contentDigest = (sha256: Uint8Array): string => `sha-256=${byteSequence(sha256)}`;

/** The SHA-256 in a `Content-Digest`, as base64url. Throws `SIGNATURE_MALFORMED` for another algorithm, or several. */
export function sha256In(value: string): string {
  const text = SHA_256.exec(value)?.[1];
  if (text === undefined) throw malformed('content-digest');
  return /[+/]/.test(text) ? text.replaceAll('+', '-').replaceAll('/', '_') : text;
}

/** A byte sequence (RFC 9651 section 4.1.8). */
export function byteSequence(bytes: Uint8Array): string {
  const text = encodeBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return `:${text}${'='.repeat((4 - (text.length % 4)) % 4)}:`;
}
