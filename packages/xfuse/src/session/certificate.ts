import type { CryptoProvider, Did, Identity } from '@private.me/xlink';
import type { Ial } from '../attest/proofing.js';
import { XfuseError } from '../errors.js';
import { AALS, type Aal, type Factor } from '../fusion/assurance.js';
import { readSignedText, signText, timeOf } from '../util/signed-text.js';

const LABEL = 'xlink/1 xfuse session certificate';

/** What a fused DID says about a session. */
export interface SessionClaims {
  /** The stable DID, which signs. */
  readonly fused: Did;
  /** The DID of the session. */
  readonly session: Did;
  /** Where it is good. */
  readonly audience: string;
  /** Makes it another session than others for this audience. */
  readonly nonce: string;
  /** How the person was authenticated. */
  readonly aal: Aal;
  /** How she was proofed, if somebody did. */
  readonly ial?: Ial;
  /** What the signals proved. */
  readonly factors: readonly Factor[];
  /** Generation of the record. */
  readonly generation: number;
  /** Ms since 1970. */
  readonly issuedAt: number;
  /** Ms since 1970. */
  readonly expiresAt: number;
}

/** The certificate: JSON and its Ed25519 signature, in base64url with a dot between; some 700 bytes. */
export const signSession = (fused: Identity, claims: SessionClaims): Promise<string> =>
  signText(fused, LABEL, { v: 1, ...claims });

/** The claims of a certificate whose signature and times are good. Throws `SESSION_INVALID…`. */
export async function readSession(
  crypto: CryptoProvider,
  text: unknown,
  now: number,
): Promise<SessionClaims> {
  const claims = await readSignedText(crypto, LABEL, text, ({ fused }) => fused);
  const time = claims ? timeOf(claims, now) : 'invalid';
  const session = claims as unknown as SessionClaims & { readonly v: unknown };
  const isInForm =
    claims !== undefined &&
    session.v === 1 &&
    [session.session, session.audience, session.nonce].every((text) => typeof text === 'string') &&
    AALS.includes(session.aal) &&
    session.aal !== 'AAL3' &&
    Array.isArray(session.factors) &&
    Number.isSafeInteger(session.generation);
  if (!isInForm || time === 'invalid') throw new XfuseError('SESSION_INVALID');
  if (time === 'expired') throw new XfuseError('SESSION_INVALID:EXPIRED');
  if (time === 'future') throw new XfuseError('SESSION_INVALID:FUTURE');
  return session;
}
