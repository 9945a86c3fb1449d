import type { KeyRecord } from '@private.me/xlink';
import { XlockError } from '../errors.js';
import { fromBase64url, isMembers, lengthPrefixed } from '../util/bytes.js';
import { isDid } from '../util/signed-by.js';
import { type EphemeralClaim, isClaim } from '../xid/claim.js';
import { isReadable, type UnsignedChallenge } from './challenge.js';

/** What the user decided. `registered`: a passkey was made. */
export type Decision = 'approved' | 'denied' | 'registered';

/** Why a device denied: the user did, or the page had another address. */
export type DenialReason = '' | 'origin';

/** What a device answers. */
export interface XlockAnswer {
  /** Of the challenge. */
  readonly challengeId: string;
  /** What was decided. */
  readonly decision: Decision;
  /** Of the passkey. */
  readonly did: string;
  /** DID of the device. */
  readonly deviceId: string;
  /** A name for people, of a registration; otherwise empty. */
  readonly deviceName: string;
  /** The two digits that the user typed, of an approval; otherwise empty. */
  readonly match: string;
  /** Of a denial; otherwise empty. */
  readonly reason: DenialReason;
  /** When, by the clock of the device, in ms since 1970. */
  readonly answeredAt: number;
  /** By the passkey, 64 bytes, base64url; empty for a denial, for which no key is put together. */
  readonly signature: string;
  /** By the key of the device, 64 bytes, base64url. */
  readonly deviceSignature: string;
  /** Of a registration: how the device is reached over a relay. */
  readonly keys?: KeyRecord;
  /** Of an approval that asked for it: the DID for this resource and epoch. It has signatures of its own. */
  readonly ephemeral?: EphemeralClaim;
}

/** An answer without its signatures. */
export type UnsignedAnswer = Omit<XlockAnswer, 'signature' | 'deviceSignature' | 'keys' | 'ephemeral'>;

/** What passkey and device sign: the whole challenge and the whole answer. `signer` keeps one signature from being taken for the other. */
export const answerText = (
  signer: 'passkey' | 'device',
  c: UnsignedChallenge,
  a: UnsignedAnswer,
): Uint8Array<ArrayBuffer> =>
  lengthPrefixed([
    'xlink/1 xlock auth',
    signer,
    c.kind,
    c.id,
    a.did,
    c.userId,
    c.origin,
    c.action,
    JSON.stringify(Object.entries(c.metadata)),
    c.nonce,
    c.issuedAt,
    c.expiresAt,
    c.verifier,
    a.deviceId,
    a.deviceName,
    a.match,
    a.reason,
    a.answeredAt,
    a.decision,
  ]);

const SHAPE = {
  challengeId: (value: unknown) => fromBase64url(value, 16) !== undefined,
  decision: (value: unknown) => ['approved', 'denied', 'registered'].includes(value as string),
  did: isDid,
  deviceId: isDid,
  deviceName: (value: unknown) => value === '' || isReadable(value),
  match: (value: unknown) => typeof value === 'string' && /^(\d\d)?$/.test(value),
  reason: (value: unknown) => value === '' || value === 'origin',
  answeredAt: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
  signature: (value: unknown) => value === '' || fromBase64url(value, 64) !== undefined,
  deviceSignature: (value: unknown) => fromBase64url(value, 64) !== undefined,
} satisfies Record<keyof Omit<XlockAnswer, 'keys' | 'ephemeral'>, (value: unknown) => boolean>;

/** Throws `RESPONSE_SIGNATURE_INVALID:FORM` for what is no answer. */
export function assertAnswer(value: unknown): asserts value is XlockAnswer {
  const wrong = isMembers(value)
    ? Object.entries(SHAPE).find(([name, isGood]) => !isGood(value[name]))?.[0]
    : 'answer';
  if (
    wrong === undefined &&
    isMembers(value) &&
    value['ephemeral'] !== undefined &&
    !isClaim(value['ephemeral'])
  )
    throw new XlockError('RESPONSE_SIGNATURE_INVALID:FORM', { field: 'ephemeral' });
  if (wrong === undefined && isMembers(value) && value['keys'] !== undefined) assertKeys(value);
  if (wrong !== undefined) throw new XlockError('RESPONSE_SIGNATURE_INVALID:FORM', { field: wrong });
}

/** Its signatures are checked where it is used; here, that it is of this device, and no larger than such a record is. */
function assertKeys({ keys, deviceId }: Readonly<Record<string, unknown>>): void {
  const isGood = isMembers(keys) && keys['did'] === deviceId && JSON.stringify(keys).length <= 16_384;
  if (!isGood) throw new XlockError('RESPONSE_SIGNATURE_INVALID:FORM', { field: 'keys' });
}
