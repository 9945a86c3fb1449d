import { concat, equalBytes } from '../crypto/bytes.js';
import { xlinkError } from '../errors/errors.js';
import { decodeUtf8 } from '../util/utf8.js';

/** DER of a version 1 PrivateKeyInfo with id-Ed25519 (RFC 8410 section 7), up to the 32-byte seed. */
const PREFIX = Uint8Array.of(
  0x30,
  0x2e,
  0x02,
  0x01,
  0x00,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x70,
  0x04,
  0x22,
  0x04,
  0x20,
);

/** 48 bytes of DER, as `openssl pkey` reads and writes them. */
export const encodePkcs8 = (seed: Uint8Array): Uint8Array => concat([PREFIX, seed]);

/** The same as text (RFC 7468), without a passphrase: what `openssl genpkey -algorithm ed25519` writes. */
const PEM = /-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----/;

/** The 32-byte seed. Throws `INVALID_PKCS8` for anything but what {@link encodePkcs8} writes, and that as PEM. */
export function decodePkcs8(pkcs8: Uint8Array | string): Uint8Array {
  const der = derOf(pkcs8);
  if (der?.length !== PREFIX.length + 32 || !equalBytes(der.subarray(0, PREFIX.length), PREFIX))
    throw xlinkError('INVALID_PKCS8');
  return der.slice(PREFIX.length);
}

function derOf(pkcs8: Uint8Array | string): Uint8Array | undefined {
  const isBytes = pkcs8 instanceof Uint8Array;
  if (isBytes && pkcs8[0] === PREFIX[0]) return pkcs8;
  try {
    const [, base64] = PEM.exec(isBytes ? decodeUtf8(pkcs8) : pkcs8)!;
    return Uint8Array.from(atob(base64!), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
