import type { CryptoProvider, Did } from '@private.me/xlink';
import type { Ial } from '../attest/proofing.js';
import { XfuseError } from '../errors.js';
import { AALS, type Aal } from '../fusion/assurance.js';
import { assertIal } from '../fusion/options.js';
import { checkNames } from '../util/options.js';
import { platformCrypto } from '../util/sealing.js';
import { readSession, type SessionClaims } from './certificate.js';
import type { SessionLedger } from './ledger.js';

/** Options of {@link verifySession}. */
export interface VerifySessionOptions {
  /** The DID that signed the request that came with the certificate, such as `req.auth.did`. A certificate alone proves nothing. */
  readonly did: Did;
  /** Who checks: must be the audience of the session. */
  readonly audience: string;
  /** Whether a fused DID is one that this service knows. */
  readonly isKnown: (fused: Did) => boolean | Promise<boolean>;
  /** Which sessions are open. Default: not looked up, so that sessions end only when they expire. */
  readonly sessions?: SessionLedger;
  /**
   * Least generation of the record that a session may come from, such as `fusion.generation()` when signals were last changed. Sessions of
   * lower ones are over. Default: not looked at.
   */
  readonly minimumGeneration?: number;
  /** Least authentication assurance. Default `AAL1`. */
  readonly minimumAal?: Aal;
  /** Least identity assurance. Default: none. */
  readonly minimumIal?: Ial;
  /** The WebAuthn assertion that this service itself asked for, checked: see `checkAssertion`. It alone can make AAL3. Default none. */
  readonly assertion?: CheckedAssertion;
  /** Ms since 1970. Default `Date.now`. */
  readonly clock?: () => number;
  /** Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

/** What a service found by checking a WebAuthn assertion. */
export interface CheckedAssertion {
  /** DID of the session that it was made for. */
  readonly session: Did;
  /** Whether the authenticator verified its user. */
  readonly userVerified: boolean;
  /** Whether the key cannot leave its authenticator, as far as WebAuthn says. */
  readonly isDeviceBound: boolean;
}

const NAMES = [
  'did',
  'audience',
  'isKnown',
  'sessions',
  'minimumGeneration',
  'minimumAal',
  'minimumIal',
  'assertion',
  'clock',
  'crypto',
];

/** What a certificate says about a session, checked. Rejects with `SESSION_INVALID…`, `SESSION_ENDED`, `ASSURANCE_TOO_LOW`, `PROOFING_MISSING…`. */
export async function verifySession(
  certificate: string,
  options: VerifySessionOptions,
): Promise<SessionClaims> {
  checkNames('verifySession', options, NAMES);
  const { did, audience, sessions, minimumAal = 'AAL1', assertion, clock = Date.now } = options;
  const claims = await readSession(options.crypto ?? (await platformCrypto()), certificate, clock());
  if (claims.session !== did) throw new XfuseError('SESSION_INVALID');
  if (claims.audience !== audience) throw new XfuseError('SESSION_INVALID:AUDIENCE');
  if (!(await options.isKnown(claims.fused))) throw new XfuseError('SESSION_INVALID:STRANGER');
  if (sessions && !(await isOpen(sessions, claims))) throw new XfuseError('SESSION_ENDED');
  if (claims.generation < (options.minimumGeneration ?? 0)) throw new XfuseError('SESSION_ENDED');
  if (assertion && assertion.session !== did) throw new XfuseError('ASSERTION_REFUSED');
  const aal = assertion?.userVerified && assertion.isDeviceBound ? 'AAL3' : claims.aal;
  if (AALS.indexOf(aal) < AALS.indexOf(minimumAal)) throw new XfuseError('ASSURANCE_TOO_LOW');
  assertIal(options.minimumIal, claims.ial);
  return { ...claims, aal };
}

async function isOpen(sessions: SessionLedger, { session, fused }: SessionClaims): Promise<boolean> {
  try {
    return (await sessions.isOpen(session, fused)) === true;
  } catch {
    return false;
  }
}
