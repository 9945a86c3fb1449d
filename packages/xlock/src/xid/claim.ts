import type { Identity } from '@private.me/xlink';
import type { UnsignedAnswer, XlockAnswer } from '../challenge/answer.js';
import { isOrigin, type XlockChallenge } from '../challenge/challenge.js';
import { XlockError } from '../errors.js';
import { fromBase64url, isMembers, lengthPrefixed, toBase64url } from '../util/bytes.js';
import { invalidOption } from '../util/options.js';
import { isDid, isSignedBy } from '../util/signed-by.js';

/** Derives the identities of a device, one for each resource and epoch: `EphemeralIdentity` of `@private.me/xid` does. */
export interface EphemeralSource {
  /** Number of the epoch that it is now. */
  readonly epoch: number;
  /** The identity for an origin in an epoch. */
  identityFor(resource: string, epoch: number): Promise<Identity>;
}

/** Of an approval: as whom the session is to be. */
export interface EphemeralClaim {
  /** DID of the device for this resource and epoch. */
  readonly did: string;
  /** By the key of that DID, 64 bytes, base64url. */
  readonly signature: string;
  /** By the key of the device, 64 bytes, base64url. */
  readonly deviceSignature: string;
}

/** What a session without a lasting name is for. */
export interface EphemeralPlace {
  /** Origin of the resource. */
  readonly resource: string;
  /** Number of the epoch. */
  readonly epoch: number;
}

/** Names in the metadata of a challenge, which the service signs and the device shows. */
export const PLACE_NAMES = { resource: 'xlock-resource', epoch: 'xlock-epoch' } as const;

/** The metadata of a place. Throws `INVALID_OPTION` for what is no URL of an origin that browsers take for a secure one. */
export function placeMetadata(resource: string, epoch: number): Record<string, string> {
  const origin = URL.canParse(resource) ? new URL(resource).origin : undefined;
  if (!isOrigin(origin))
    throw invalidOption('resource', 'resource must be a URL such as https://app.example.com/dashboard.');
  return { [PLACE_NAMES.resource]: origin, [PLACE_NAMES.epoch]: String(epoch) };
}

/** What a challenge asks a DID for; `undefined` where the lasting one will do. Throws `CHALLENGE_INVALID` for half of it. */
export function placeOf({ metadata }: Pick<XlockChallenge, 'metadata'>): EphemeralPlace | undefined {
  const { [PLACE_NAMES.resource]: resource, [PLACE_NAMES.epoch]: epoch } = metadata;
  if (resource === undefined && epoch === undefined) return undefined;
  if (!isOrigin(resource) || !/^\d{1,15}$/.test(epoch ?? '')) throw new XlockError('CHALLENGE_INVALID');
  return { resource, epoch: Number(epoch) };
}

type Said = Pick<UnsignedAnswer, 'did' | 'deviceId'>;

const claimText = (
  signer: 'ephemeral' | 'device',
  { id, nonce, origin }: XlockChallenge,
  { resource, epoch }: EphemeralPlace,
  { did, deviceId }: Said,
  ephemeral: string,
): Uint8Array<ArrayBuffer> =>
  lengthPrefixed(['xlink/1 xlock ephemeral', signer, id, nonce, origin, resource, epoch, did, deviceId, ephemeral]); // biome-ignore format: one list

/** Claims a DID, as the device. Throws `CHALLENGE_INVALID` for an epoch that is neither the device's own nor next to it. */
export async function claimed(
  source: EphemeralSource | undefined,
  challenge: XlockChallenge,
  said: Said,
  device: Identity,
): Promise<EphemeralClaim | undefined> {
  const place = placeOf(challenge);
  if (!place) return undefined;
  if (!source)
    throw invalidOption('ephemeral', 'XlockDevice: this login needs `ephemeral`, such as what ephemeralFor() of ./xid gives.'); // biome-ignore format: one hint
  if (Math.abs(source.epoch - place.epoch) > 1) throw new XlockError('CHALLENGE_INVALID');
  const identity = await source.identityFor(place.resource, place.epoch);
  const by = async (signer: 'ephemeral' | 'device', { ed25519 }: Identity) =>
    toBase64url(await ed25519.sign(claimText(signer, challenge, place, said, identity.did)));
  return {
    did: identity.did,
    signature: await by('ephemeral', identity),
    deviceSignature: await by('device', device),
  };
}

/** Whether a value has the members of a claim. */
export const isClaim = (value: unknown): value is EphemeralClaim =>
  isMembers(value) &&
  isDid(value['did']) &&
  fromBase64url(value['signature'], 64) !== undefined &&
  fromBase64url(value['deviceSignature'], 64) !== undefined;

/** The claim in an approval, where the challenge asks for one. Throws `RESPONSE_SIGNATURE_INVALID…`. */
export function checkedClaim(challenge: XlockChallenge, answer: XlockAnswer) {
  const place = placeOf(challenge);
  const { ephemeral: claim } = answer;
  if (!place && claim === undefined) return undefined;
  if (!place || !isClaim(claim))
    throw new XlockError('RESPONSE_SIGNATURE_INVALID:FORM', { field: 'ephemeral' });
  const isGood = (signer: 'ephemeral' | 'device', did: string, signature: string) =>
    isSignedBy(did, claimText(signer, challenge, place, answer, claim.did), fromBase64url(signature, 64)!);
  if (
    !isGood('ephemeral', claim.did, claim.signature) ||
    !isGood('device', answer.deviceId, claim.deviceSignature)
  )
    throw new XlockError('RESPONSE_SIGNATURE_INVALID');
  return { ...place, did: claim.did };
}
