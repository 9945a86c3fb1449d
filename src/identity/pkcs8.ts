import { concat, equalBytes } from '../crypto/bytes.js';
import { xlinkError } from '../errors/errors.js';

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

/** The 32-byte seed. Throws `INVALID_PKCS8` for anything but what {@link encodePkcs8} writes. */
export function decodePkcs8(pkcs8: Uint8Array): Uint8Array {
  const ok =
    pkcs8 instanceof Uint8Array &&
    pkcs8.length === PREFIX.length + 32 &&
    equalBytes(pkcs8.subarray(0, PREFIX.length), PREFIX);
  if (!ok) throw xlinkError('INVALID_PKCS8', isPem(pkcs8) ? { hint: PEM } : {});
  return pkcs8.slice(PREFIX.length);
}

const PEM = "It is PEM; pass its DER: createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' }).";

/** Whether it begins with a dash, as text or as bytes. */
function isPem(given: unknown): boolean {
  const first = (given as ArrayLike<unknown> | undefined)?.[0];
  return first === '-' || first === 0x2d;
}
