import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Did, Identity, Scope } from '@private.me/xlink';
import { XidError } from '../errors.js';
import { fromBase64url, given, isMembers, lengthPrefixed, sha256, toBase64url } from '../util/bytes.js';
import { isClassName, isDid, isScopeList, isTime } from '../util/forms.js';
import { isSignedBy, type SignerKeys, sign } from '../util/signed.js';

const LABEL = 'xlink/1 xid issuer key';
const MAX_SPKI_BYTES = 1024;

/**
 * A registrar says with which RSA key it signs tokens of one class in one epoch. All holders and all services must see the same one: a key for one
 * person would tell that person from others.
 */
export interface XidIssuerKey {
  readonly kind: 'issuer-key';
  /** The DID of the registrar. */
  readonly registrar: Did;
  /** The class of its tokens. */
  readonly class: string;
  /** Scopes that each of its tokens grants. */
  readonly scopes: readonly Scope[];
  /** Number of the epoch. */
  readonly epoch: number;
  /** The RSA key as SubjectPublicKeyInfo (RFC 5280), base64url. */
  readonly spki: string;
  /** Ed25519 signature of the registrar, 64 bytes as base64url. */
  readonly signature: string;
  /** ML-DSA-65 signature of it, if it has such a key. */
  readonly pqSignature?: string;
}

type Claim = Omit<XidIssuerKey, 'kind' | 'signature' | 'pqSignature'>;

const transcriptOf = ({ registrar, class: name, scopes, epoch, spki }: Claim): Uint8Array =>
  lengthPrefixed([LABEL, registrar, name, scopes.join(' '), epoch, fromBase64url(spki)!]);

/** The name of a key: SHA-256 of its SPKI, 43 characters of base64url. */
export const issuerKeyId = ({ spki }: Pick<XidIssuerKey, 'spki'>): string =>
  toBase64url(sha256(fromBase64url(spki)!));

/** Signs such a statement as the registrar. */
export async function signIssuerKey(
  registrar: Pick<Identity, 'did' | 'ed25519' | 'mlDsa65'>,
  claim: Omit<Claim, 'registrar'>,
): Promise<XidIssuerKey> {
  const whole = { ...claim, registrar: registrar.did };
  return Object.freeze({
    kind: 'issuer-key',
    ...whole,
    ...(await sign(registrar, LABEL, transcriptOf(whole))),
  });
}

/** A frozen copy that the registrar signed, and its key. Throws `ISSUER_KEY_INVALID`. */
export async function openIssuerKey(
  value: unknown,
  registrar: SignerKeys,
): Promise<{ readonly statement: XidIssuerKey; readonly key: KeyObject }> {
  const wrong = (field: string, cause?: unknown) =>
    new XidError('ISSUER_KEY_INVALID', cause === undefined ? { field } : { field, cause });
  if (!isMembers(value) || value['kind'] !== 'issuer-key') throw wrong('kind');
  const { registrar: did, class: name, scopes, epoch, spki, signature, pqSignature } = value;
  if (!isDid(did) || did !== registrar.did) throw wrong('registrar');
  if (!isClassName(name)) throw wrong('class');
  if (!isScopeList(scopes)) throw wrong('scopes');
  if (!isTime(epoch)) throw wrong('epoch');
  const der = fromBase64url(spki);
  if (!der || der.length > MAX_SPKI_BYTES) throw wrong('spki');
  const own = {
    registrar: did,
    class: name,
    scopes: Object.freeze([...scopes]),
    epoch,
    spki: spki as string,
  };
  const signed = {
    signature: signature as string,
    ...given({ pqSignature: pqSignature as string | undefined }),
  };
  if (!(await isSignedBy(registrar, LABEL, transcriptOf(own), signed))) throw wrong('signature');
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  } catch (cause) {
    throw wrong('spki', cause);
  }
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (
    key.asymmetricKeyType !== 'rsa' ||
    modulusLength < 2048 ||
    modulusLength > 4096 ||
    publicExponent !== 65537n
  )
    throw wrong('spki');
  return { statement: Object.freeze({ kind: 'issuer-key', ...own, ...signed }), key };
}
