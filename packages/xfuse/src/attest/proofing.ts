import type { CryptoProvider, Did, Identity } from '@private.me/xlink';
import { XfuseError } from '../errors.js';
import { checkNames, invalidOption } from '../util/options.js';
import { readSignedText, signText, timeOf } from '../util/signed-text.js';

const LABEL = 'xlink/1 xfuse proofing';

/** Identity assurance: how a person was proofed (NIST SP 800-63A-4). */
export type Ial = 'IAL1' | 'IAL2' | 'IAL3';

/** From the lowest to the highest. */
export const IALS: readonly Ial[] = ['IAL1', 'IAL2', 'IAL3'];

/** Options of {@link signProofing}. */
export interface ProofingOptions {
  /** The fused DID that the person holds. */
  readonly subject: Did;
  /** The level at which the issuer proofed her. It is the issuer's word: nothing here checks a person. */
  readonly ial: Ial;
  /** How long it is good, in ms. Default 365 days. */
  readonly ttlMs?: number;
  /** Ms since 1970. Default `Date.now`. */
  readonly clock?: () => number;
}

/** A statement of who proofed a person, for `fusion.addProofing`. */
export async function signProofing(issuer: Identity, options: ProofingOptions): Promise<string> {
  checkNames('signProofing', options, ['subject', 'ial', 'ttlMs', 'clock']);
  const { subject, ial, ttlMs = 31_536_000_000, clock = Date.now } = options;
  if (!IALS.includes(ial)) throw invalidOption('ial', 'signProofing: ial is IAL1, IAL2 or IAL3.');
  const issuedAt = clock();
  return signText(issuer, LABEL, {
    v: 1,
    issuer: issuer.did,
    subject,
    ial,
    issuedAt,
    expiresAt: issuedAt + ttlMs,
  });
}

/** The level that a statement gives to a fused DID. Throws `ATTESTATION_INVALID…`. */
export async function readProofing(
  crypto: CryptoProvider,
  statement: unknown,
  expected: { readonly issuers: readonly Did[]; readonly subject: Did; readonly now: number },
): Promise<Ial> {
  const claims = await readSignedText(crypto, LABEL, statement, ({ issuer }) => issuer);
  const time = claims ? timeOf(claims, expected.now) : 'invalid';
  if (claims?.['v'] !== 1 || time === 'invalid' || !IALS.includes(claims['ial'] as Ial))
    throw new XfuseError('ATTESTATION_INVALID');
  if (!expected.issuers.includes(claims['issuer'] as Did) || claims['subject'] !== expected.subject)
    throw new XfuseError('ATTESTATION_INVALID:FOREIGN');
  if (time === 'expired') throw new XfuseError('ATTESTATION_INVALID:EXPIRED');
  if (time === 'future') throw new XfuseError('ATTESTATION_INVALID:FUTURE');
  return claims['ial'] as Ial;
}
