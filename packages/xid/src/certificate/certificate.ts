import type { Did, Identity, Scope } from '@private.me/xlink';
import { XidError } from '../errors.js';
import { given, isMembers, lengthPrefixed } from '../util/bytes.js';
import { isClassName, isDid, isScopeList, isTime } from '../util/forms.js';
import { isSignedBy, type SignerKeys, sign } from '../util/signed.js';

const LABEL = 'xlink/1 xid certificate';

/** What a registrar vouches for: that whoever has this DID may be called a member of the class at one service, until the end of an epoch. */
export interface XidCertificate {
  /** Tells it from a token. */
  readonly kind: 'certificate';
  /** The DID of the registrar. */
  readonly registrar: Did;
  /** The identity of the epoch. */
  readonly did: Did;
  /** The service: its origin or DID, as `normalizeVerifier` gives it. */
  readonly audience: string;
  /** The class, 1 to 64 characters of `a-z 0-9 -`: all of one class are one client to the service. */
  readonly class: string;
  /** Scopes that it grants. */
  readonly scopes: readonly Scope[];
  /** Number of the epoch. */
  readonly epoch: number;
  /** From when on it counts, in ms since 1970. */
  readonly notBefore: number;
  /** From when on it does not count any more, in ms since 1970. */
  readonly notAfter: number;
  /** Ed25519 signature of the registrar, 64 bytes as base64url. */
  readonly signature: string;
  /** ML-DSA-65 signature of it, 3309 bytes as base64url, if it has such a key. */
  readonly pqSignature?: string;
}

/** What the signatures cover. */
export type XidCertificateClaim = Omit<XidCertificate, 'kind' | 'signature' | 'pqSignature'>;

const transcriptOf = (claim: XidCertificateClaim): Uint8Array =>
  lengthPrefixed([
    LABEL,
    claim.registrar,
    claim.did,
    claim.audience,
    claim.class,
    claim.scopes.join(' '),
    claim.epoch,
    claim.notBefore,
    claim.notAfter,
  ]);

/** Signs a certificate as its registrar. */
export async function signCertificate(
  registrar: Pick<Identity, 'did' | 'ed25519' | 'mlDsa65'>,
  claim: Omit<XidCertificateClaim, 'registrar'>,
): Promise<XidCertificate> {
  const whole = { ...claim, registrar: registrar.did };
  const signatures = await sign(registrar, LABEL, transcriptOf(whole));
  return Object.freeze({ kind: 'certificate', ...whole, ...signatures });
}

/** A frozen copy of the known members, all in form. Throws `CERTIFICATE_INVALID`; the signatures are not checked. */
export function copyCertificate(value: unknown): XidCertificate {
  const wrong = (field: string) => new XidError('CERTIFICATE_INVALID', { field });
  if (!isMembers(value) || value['kind'] !== 'certificate') throw wrong('kind');
  const { registrar, did, audience, class: name, scopes, epoch, notBefore, notAfter } = value;
  const { signature, pqSignature } = value;
  if (!isDid(registrar)) throw wrong('registrar');
  if (!isDid(did)) throw wrong('did');
  if (typeof audience !== 'string' || audience === '' || audience.length > 512) throw wrong('audience');
  if (!isClassName(name)) throw wrong('class');
  if (!isScopeList(scopes)) throw wrong('scopes');
  if (!isTime(epoch)) throw wrong('epoch');
  if (!isTime(notBefore)) throw wrong('notBefore');
  if (!isTime(notAfter) || notAfter <= notBefore) throw wrong('notAfter');
  if (typeof signature !== 'string') throw wrong('signature');
  if (pqSignature !== undefined && typeof pqSignature !== 'string') throw wrong('pqSignature');
  const own = {
    registrar,
    did,
    audience,
    class: name,
    scopes: Object.freeze([...scopes]),
    epoch,
    notBefore,
    notAfter,
  };
  return Object.freeze({
    kind: 'certificate',
    ...own,
    signature,
    ...given({ pqSignature }),
  }) as XidCertificate;
}

/** Throws `CERTIFICATE_INVALID:SIGNATURE` unless the registrar signed it with every key that it is known to have. */
export async function verifyCertificate(certificate: XidCertificate, registrar: SignerKeys): Promise<void> {
  if (!(await isSignedBy(registrar, LABEL, transcriptOf(certificate), certificate)))
    throw new XidError('CERTIFICATE_INVALID:SIGNATURE');
}
