import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { XfuseError } from '../errors.js';

const HASHES = { sha1, sha256, sha512 } as const;

/** How codes are made. */
export interface TotpOptions {
  /** Default `sha1`, which is what apps for it have. */
  readonly hash?: keyof typeof HASHES;
  /** 6 to 8. Default 6. */
  readonly digits?: number;
  /** Seconds that a code lasts. Default 30. */
  readonly stepSeconds?: number;
}

/** The code of a step (RFC 4226 section 5.3). */
export function hotp(
  secret: Uint8Array,
  step: number,
  { hash = 'sha1', digits = 6 }: TotpOptions = {},
): string {
  if (
    !(secret instanceof Uint8Array) ||
    !Number.isSafeInteger(step) ||
    step < 0 ||
    !Object.hasOwn(HASHES, hash)
  )
    throw new XfuseError('SIGNAL_INVALID', {
      field: 'totp',
      hint: 'totp(secret, timeMs) takes the secret as bytes or base32, and ms since 1970.',
    });
  const counter = new Uint8Array(8);
  new DataView(counter.buffer).setBigUint64(0, BigInt(step));
  const tag = hmac(HASHES[hash], secret, counter);
  const at = tag.at(-1)! & 15;
  const value = new DataView(tag.buffer, tag.byteOffset).getUint32(at) & 0x7fffffff;
  return String(value % 10 ** digits).padStart(digits, '0');
}

/** The code at a time in ms since 1970 (RFC 6238). `secret`: bytes, or base32 as apps show it. Throws `SIGNAL_INVALID`. */
export const totp = (secret: Uint8Array | string, timeMs: number, options: TotpOptions = {}): string =>
  hotp(
    typeof secret === 'string' ? totpSecret(secret) : secret,
    Math.floor(timeMs / 1000 / (options.stepSeconds ?? 30)),
    options,
  );

/** The step that a code is of: this one, or one before or after; `undefined` if it is of none of them. */
export function stepOf(
  secret: Uint8Array,
  code: string,
  timeMs: number,
  options: TotpOptions = {},
): number | undefined {
  const now = Math.floor(timeMs / 1000 / (options.stepSeconds ?? 30));
  const found = [now, now - 1, now + 1].filter((step) => step >= 0 && hotp(secret, step, options) === code);
  return found[0];
}

/** Whether something can be a code. */
export const isCode = (value: unknown): boolean => typeof value === 'string' && /^\d{6}$/.test(value);

/** The secret of an app, which is base32 (RFC 4648 section 6), 16 bytes or more. Throws `SIGNAL_INVALID`. */
export function totpSecret(value: unknown): Uint8Array {
  if (value instanceof Uint8Array && value.length >= 16 && value.length <= 64) return value.slice();
  const text = typeof value === 'string' ? value.toUpperCase().replace(/[\s=-]/g, '') : '';
  const places = [...text].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter));
  const bits = places.map((place) => place.toString(2).padStart(5, '0')).join('');
  const length = Math.floor(bits.length / 8);
  if (places.includes(-1) || length < 16 || length > 64)
    throw new XfuseError('SIGNAL_INVALID', { field: 'totp' });
  return Uint8Array.from({ length }, (_, at) => Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2));
}
