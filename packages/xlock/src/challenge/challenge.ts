import { XlockError } from '../errors.js';
import {
  fromBase64url,
  isMembers,
  lengthPrefixed,
  parseJson,
  textOf,
  toBase64url,
  utf8,
} from '../util/bytes.js';
import { isDid, isSignedBy } from '../util/signed-by.js';

/** What a service asks a device, signed by the service. It does not hold the digits of the login page. */
export interface XlockChallenge {
  /** `register`: make a passkey. `auth`: log in. */
  readonly kind: 'register' | 'auth';
  /** 16 random bytes, base64url: names the challenge, and is good for one answer. */
  readonly id: string;
  /** Whose passkey; empty in a registration of somebody new. */
  readonly did: string;
  /** The account, as the service names it; may be empty. */
  readonly userId: string;
  /** Origin of the service, such as `https://acme.com`. */
  readonly origin: string;
  /** What is asked for, for the user to read. */
  readonly action: string;
  /** Where from, and whatever else the user should know. Up to 16 texts. */
  readonly metadata: Readonly<Record<string, string>>;
  /** 32 random bytes, base64url. */
  readonly nonce: string;
  /** In ms since 1970. */
  readonly issuedAt: number;
  /** No answer counts after this time, in ms since 1970. */
  readonly respondBy: number;
  /** The challenge cannot be redeemed after this time, in ms since 1970. */
  readonly expiresAt: number;
  /** Whether the digits of the login page must be typed on the device. */
  readonly matching: boolean;
  /** The only device that may answer; empty: any that is registered. */
  readonly deviceId: string;
  /** Where the answer goes by HTTP `POST`; empty: over the relay. */
  readonly callback: string;
  /** DID of the service. */
  readonly verifier: string;
  /** Ed25519 by the service, 64 bytes, base64url. */
  readonly signature: string;
}

/** A challenge without its signature. */
export type UnsignedChallenge = Omit<XlockChallenge, 'signature'>;

/** What the service signs. */
export const challengeText = (c: UnsignedChallenge): Uint8Array<ArrayBuffer> =>
  lengthPrefixed([
    'xlink/1 xlock challenge',
    c.kind,
    c.id,
    c.did,
    c.userId,
    c.origin,
    c.action,
    JSON.stringify(Object.entries(c.metadata)),
    c.nonce,
    c.issuedAt,
    c.respondBy,
    c.expiresAt,
    c.matching ? 1 : 0,
    c.deviceId,
    c.callback,
    c.verifier,
  ]);

/** As it is pushed and put into links: JSON, base64url. */
export const encodeChallenge = (challenge: XlockChallenge): string =>
  toBase64url(utf8(JSON.stringify(challenge)));

const isText = (value: unknown, max: number): value is string =>
  typeof value === 'string' && value.length <= max;
const isTime = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * The challenge in a text, whose signature is that of the service that it names: whether that is the right one the device knows. Throws
 * `CHALLENGE_INVALID`.
 */
export function decodeChallenge(text: unknown): XlockChallenge {
  const bytes = typeof text === 'string' && text.length <= 16_384 ? fromBase64url(text) : undefined;
  const value = bytes && parseJson(textOf(bytes));
  if (!isMembers(value)) throw new XlockError('CHALLENGE_INVALID');
  const c = value as unknown as XlockChallenge;
  const isGood =
    (c.kind === 'auth' || c.kind === 'register') &&
    fromBase64url(c.id, 16) !== undefined &&
    (c.did === '' || isDid(c.did)) &&
    isText(c.userId, 256) &&
    isOrigin(c.origin) &&
    isReadable(c.action) &&
    isMetadata(c.metadata) &&
    fromBase64url(c.nonce, 32) !== undefined &&
    [c.issuedAt, c.respondBy, c.expiresAt].every(isTime) &&
    typeof c.matching === 'boolean' &&
    isText(c.deviceId, 256) &&
    isText(c.callback, 1024) &&
    isDid(c.verifier);
  const signature = fromBase64url(c.signature, 64);
  if (!isGood || !signature || !isSignedBy(c.verifier, challengeText(c), signature))
    throw new XlockError('CHALLENGE_INVALID');
  return c;
}

/** Whether a value is an origin as browsers write it: https, or http of this machine. */
export function isOrigin(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { origin, protocol, hostname } = new URL(value);
  const isHere = /^(localhost|127\.0\.0\.1|\[::1\]|.*\.localhost)$/.test(hostname);
  return origin === value && (protocol === 'https:' || (protocol === 'http:' && isHere));
}

/** 1 to 200 characters that a screen shows as they are: what a user reads cannot be dressed up. */
export const isReadable = (value: unknown): value is string =>
  isText(value, 200) &&
  value !== '' &&
  !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(value);

/** Up to 16 texts under names of up to 40 letters, digits, `-` and `_`. */
export const isMetadata = (value: unknown): value is Readonly<Record<string, string>> =>
  isMembers(value) &&
  Object.keys(value).length <= 16 &&
  Object.entries(value).every(([name, text]) => /^[\w-]{1,40}$/.test(name) && isReadable(text));
