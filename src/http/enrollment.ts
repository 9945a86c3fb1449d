import { defaultProvider } from '#provider';
import { lengthPrefixed } from '../crypto/bytes.js';
import type { EnrollmentVerifier } from '../types/ports.js';
import type { ClientId, Did, KeyRecord, Scope } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { encodeUtf8 } from '../util/utf8.js';

/** Path of the enrollment route. */
export const ENROLL_PATH = '/.well-known/xlink/enroll';
/** Scope that an enrollment envelope is made with. */
export const ENROLL_SCOPE = 'xlink:enroll';

/** Header that holds an invitation, in the place of an API key. */
export const INVITATION_HEADER = 'Xlink-Invitation';

const LABEL = encodeUtf8('xlink/1 enroll');

/** The payload of an enrollment envelope, which is signed by the new DID and not encrypted. */
export interface EnrollmentRequest {
  /** Key record of the new DID. */
  readonly keyRecord: KeyRecord;
  /** From {@link enrollmentProof}: ties the envelope to the API key it is sent with. Not needed by a DID that is linked. */
  readonly keyProof?: string;
  /** What else may be shown in the place of a key: the member of an {@link EnrollmentVerifier} of the service. */
  readonly [member: string]: unknown;
}

/** What the server answers. */
export interface EnrollmentAnswer {
  /** The DID that was enrolled. */
  readonly did: Did;
  /** The client it now acts for. */
  readonly client: ClientId;
  /** Scopes the DID may send with: those of the key. `*` is any. */
  readonly scopes: readonly Scope[];
  /** When the enrollment ends, ISO 8601 in UTC; absent if it does not. Enroll again before that. */
  readonly validUntil?: string;
}

/**
 * SHA-256 over label, DID and API key, 43 characters of base64url: a stolen enrollment envelope cannot be used with another key to
 * have the DID counted as the thief's.
 */
export async function enrollmentProof(did: Did, apiKey: string): Promise<string> {
  const hash = await defaultProvider().sha256(lengthPrefixed([LABEL, did, apiKey]));
  return encodeBase64url(hash);
}
