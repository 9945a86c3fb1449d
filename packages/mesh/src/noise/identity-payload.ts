import { assertKeyRecord, decodeDidKey, type Identity, type KeyRecord } from '@private.me/xlink';
import { MeshError } from '../errors/mesh-error.js';
import { lengthPrefixed, utf8 } from '../util/bytes.js';
import { keyPairOf, type NoiseKeyPair } from './dh.js';

const LABEL = 'xlink/1 noise static';
const STATIC_LABEL = 'xlink/1 identity noise x25519';
/** A record with ML-DSA-65 and two of its signatures takes 13 KiB. */
const MAX_PAYLOAD = 32_768;
const MEMBERS = new Set(['did', 'keyRecord', 'sig', 'pqSig']);

/** What a side says of itself in the handshake. */
export interface IdentityClaim {
  /** Its DID. */
  readonly did: string;
  /** Its key record. */
  readonly keyRecord: KeyRecord;
  /** Ed25519, 64 bytes. */
  readonly sig: Uint8Array;
  /** ML-DSA-65, 3309 bytes. */
  readonly pqSig: Uint8Array | undefined;
}

/** The Noise static key of an identity: derived from its seed, and never the key of its envelopes. */
export async function noiseKeyOf(identity: Identity): Promise<NoiseKeyPair> {
  return keyPairOf(await identity.deriveSubkey(STATIC_LABEL));
}

/** What is signed: the static key, in this very handshake. */
const transcript = (did: string, staticKey: Uint8Array, hash: Uint8Array): Uint8Array =>
  lengthPrefixed(LABEL, did, staticKey, hash);

/** The payload by which an identity vouches for its static key. `withPostQuantum`: with ML-DSA-65 too, if it has the key. */
export async function identityPayload(
  identity: Identity,
  keyRecord: KeyRecord,
  staticKey: Uint8Array,
  hash: Uint8Array,
  withPostQuantum: boolean,
): Promise<Uint8Array> {
  const signed = transcript(identity.did, staticKey, hash);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const pqSig = withPostQuantum ? await identity.mlDsa65?.sign(signed, utf8(LABEL)) : undefined;
  const sig = text(await identity.ed25519.sign(signed));
  const claim = { did: identity.did, keyRecord, sig, ...(pqSig ? { pqSig: text(pqSig) } : {}) };
  return utf8(JSON.stringify(claim));
}

/** Reads a payload without believing it. Throws `NOISE_HANDSHAKE_FAILED:MALFORMED`. */
export function readClaim(payload: Uint8Array): IdentityClaim {
  try {
    if (payload.length > MAX_PAYLOAD) throw new RangeError('too long');
    const claim = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    const { did, keyRecord, sig, pqSig } = claim;
    if (Object.keys(claim).some((name) => !MEMBERS.has(name))) throw new TypeError('unknown member');
    if (typeof did !== 'string' || typeof keyRecord !== 'object' || keyRecord === null)
      throw new TypeError('wrong type');
    decodeDidKey(did);
    return {
      did,
      keyRecord,
      sig: bytesOf(sig, 64),
      pqSig: pqSig === undefined ? undefined : bytesOf(pqSig, 3309),
    };
  } catch (cause) {
    throw new MeshError('NOISE_HANDSHAKE_FAILED:MALFORMED', { cause });
  }
}

/**
 * Whether the claim is signed for this static key in this handshake. Throws `NOISE_IDENTITY_MISMATCH:KEYS` for a record that is not that
 * of the DID, and `NOISE_IDENTITY_MISMATCH:SIGNATURE`.
 */
export async function verifyClaim(
  { crypto }: Identity,
  claim: IdentityClaim,
  staticKey: Uint8Array,
  hash: Uint8Array,
  needsPostQuantum: boolean,
): Promise<void> {
  const { did, keyRecord, sig, pqSig } = claim;
  const signed = transcript(did, staticKey, hash);
  const isSigned = await (await crypto.ed25519.verifier(decodeDidKey(did))).verify(signed, sig);
  if (!isSigned) throw new MeshError('NOISE_IDENTITY_MISMATCH:SIGNATURE', { field: 'sig' });
  try {
    if (keyRecord.did !== did) throw new TypeError('record of another DID');
    await assertKeyRecord(keyRecord, crypto);
  } catch (cause) {
    throw new MeshError('NOISE_IDENTITY_MISMATCH:KEYS', { field: 'keyRecord', cause });
  }
  if (!keyRecord.mlDsa65 || !(needsPostQuantum || pqSig)) return;
  const verifier = await crypto.mlDsa65.verifier(Buffer.from(keyRecord.mlDsa65, 'base64url'));
  if (!pqSig || !(await verifier.verify(signed, pqSig, utf8(LABEL))))
    throw new MeshError('NOISE_IDENTITY_MISMATCH:SIGNATURE', { field: 'pqSig' });
}

function bytesOf(text: unknown, length: number): Uint8Array {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'base64url') : undefined;
  if (bytes?.length !== length || bytes.toString('base64url') !== text) throw new TypeError('wrong length');
  return bytes;
}
