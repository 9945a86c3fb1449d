import type { Did, Identity } from '@private.me/xlink';
import { XidError } from '../errors.js';
import { given, isMembers, lengthPrefixed } from '../util/bytes.js';
import { isDid, isTime } from '../util/forms.js';
import { isSignedBy, type SignerKeys, sign } from '../util/signed.js';

const LABEL = 'xlink/1 xid revocation';

/** The registrar takes back what it certified about an identity. A service that was handed it refuses the identity from the next request on. */
export interface XidRevocation {
  readonly kind: 'revocation';
  /** The DID of the registrar that certified it. */
  readonly registrar: Did;
  /** The identity. */
  readonly did: Did;
  /** When its certificate would have ended, in ms since 1970: until then it is remembered. */
  readonly notAfter: number;
  /** Ed25519 signature of the registrar, 64 bytes as base64url. */
  readonly signature: string;
  /** ML-DSA-65 signature of it, if it has such a key. */
  readonly pqSignature?: string;
}

type Claim = Pick<XidRevocation, 'registrar' | 'did' | 'notAfter'>;

const transcriptOf = ({ registrar, did, notAfter }: Claim): Uint8Array =>
  lengthPrefixed([LABEL, registrar, did, notAfter]);

/** Signs a revocation as the registrar. */
export async function signRevocation(
  registrar: Pick<Identity, 'did' | 'ed25519' | 'mlDsa65'>,
  claim: Omit<Claim, 'registrar'>,
): Promise<XidRevocation> {
  const whole = { ...claim, registrar: registrar.did };
  return Object.freeze({
    kind: 'revocation',
    ...whole,
    ...(await sign(registrar, LABEL, transcriptOf(whole))),
  });
}

/** A frozen copy of the known members, all in form. Throws `REVOCATION_INVALID`. */
export function copyRevocation(value: unknown): XidRevocation {
  const wrong = (field: string) => new XidError('REVOCATION_INVALID', { field });
  if (!isMembers(value) || value['kind'] !== 'revocation') throw wrong('kind');
  const { registrar, did, notAfter, signature, pqSignature } = value;
  if (!isDid(registrar)) throw wrong('registrar');
  if (!isDid(did)) throw wrong('did');
  if (!isTime(notAfter)) throw wrong('notAfter');
  const own = { registrar, did, notAfter, signature, ...given({ pqSignature }) };
  return Object.freeze({ kind: 'revocation', ...own }) as XidRevocation;
}

/** Throws `REVOCATION_INVALID` unless the registrar signed it. */
export async function verifyRevocation(revocation: XidRevocation, registrar: SignerKeys): Promise<void> {
  if (!(await isSignedBy(registrar, LABEL, transcriptOf(revocation), revocation)))
    throw new XidError('REVOCATION_INVALID', { field: 'signature' });
}
