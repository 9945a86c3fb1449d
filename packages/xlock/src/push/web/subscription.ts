import { XlockError } from '../../errors.js';
import { fromBase64url, isMembers, lengthPrefixed } from '../../util/bytes.js';
import { isDid, isSignedBy } from '../../util/signed-by.js';

/** Where a browser takes pushes, as `PushSubscription.toJSON()` says it, without what is not needed. */
export interface PushEndpoint {
  /** URL at the push service of the browser. Whoever knows it can have that service asked: it is kept secret. */
  readonly endpoint: string;
  /** Public key of the browser, P-256, 65 bytes, base64url. */
  readonly p256dh: string;
  /** Secret of the browser, 16 bytes, base64url. */
  readonly auth: string;
}

/** What a device says so that it is pushed to; signed by the key of the device. */
export interface PushSubscriptionRequest extends PushEndpoint {
  /** DID of the device. */
  readonly deviceId: string;
  /** A passkey that the device is registered with. */
  readonly did: string;
  /** Origin of the service that may push. */
  readonly origin: string;
  /** When, in ms since 1970. */
  readonly at: number;
  /** Ed25519, 64 bytes, base64url. */
  readonly signature: string;
}

/** What the device signs. */
export const subscriptionText = (r: Omit<PushSubscriptionRequest, 'signature'>): Uint8Array<ArrayBuffer> =>
  lengthPrefixed(['xlink/1 xlock web push', r.deviceId, r.did, r.origin, r.endpoint, r.p256dh, r.auth, r.at]);

/** How old a request may be, and how far ahead of the clock, in ms. */
const TOLERANCE_MS = 300_000;

/** Throws `REQUEST_INVALID` for what is not in form, not for this origin, or not of now, and `RESPONSE_SIGNATURE_INVALID`. */
export function assertSubscription(
  value: unknown,
  origin: string,
  now: number,
): asserts value is PushSubscriptionRequest {
  const wrong = (field: string) => new XlockError('REQUEST_INVALID', { field });
  if (!isMembers(value)) throw wrong('body');
  const r = value as unknown as PushSubscriptionRequest;
  if (!isDid(r.deviceId)) throw wrong('deviceId');
  if (!isDid(r.did)) throw wrong('did');
  if (r.origin !== origin) throw wrong('origin');
  if (typeof r.endpoint !== 'string' || r.endpoint.length > 2048) throw wrong('endpoint');
  if (fromBase64url(r.p256dh, 65)?.[0] !== 4) throw wrong('p256dh');
  if (!fromBase64url(r.auth, 16)) throw wrong('auth');
  if (!Number.isSafeInteger(r.at) || Math.abs(now - r.at) > TOLERANCE_MS) throw wrong('at');
  const signature = fromBase64url(r.signature, 64);
  if (!signature || !isSignedBy(r.deviceId, subscriptionText(r), signature))
    throw new XlockError('RESPONSE_SIGNATURE_INVALID');
}
