import type { KeyObject } from 'node:crypto';
import type { Did, Scope } from '@private.me/xlink';
import { copyCertificate, verifyCertificate } from '../certificate/certificate.js';
import { XidError, type XidErrorId } from '../errors.js';
import { overlapEnd, standingOf } from '../identity/epochs.js';
import { issuerKeyId, openIssuerKey } from '../token/issuer-key.js';
import { copyToken, tokenId, verifyToken, type XidToken } from '../token/token.js';
import { isMembers } from '../util/bytes.js';
import { areAmong } from '../util/forms.js';
import type { XidMember } from './members.js';
import {
  type CheckedServiceOptions,
  DEFAULT_MAX_IDENTITIES,
  type TrustedClass,
  type TrustedRegistrar,
} from './options.js';

/** What a credential says, once it is known to be good. */
export interface GoodCredential extends Pick<XidMember, 'scopes' | 'epoch' | 'until' | 'registrar' | 'by'> {
  readonly class: string;
  readonly maxIdentities: number;
  /** Of a token: its name, to be spent. */
  readonly token?: string;
}

/** Keys of issuers that are remembered: the epochs that count, of every class. */
const MAX_KEYS = 1000;

/** Checks certificates and tokens against what a service trusts. Nothing is written. */
export class CredentialCheck {
  readonly #options: CheckedServiceOptions;
  readonly #keys = new Map<
    string,
    { readonly id: string; readonly scopes: readonly Scope[]; readonly key: KeyObject }
  >();

  constructor(options: CheckedServiceOptions) {
    this.#options = options;
  }

  /** Throws `CERTIFICATE_…` or `TOKEN_…`. */
  async check(proof: unknown, did: Did, now: number): Promise<GoodCredential> {
    const isToken = isMembers(proof) && proof['kind'] === 'token';
    return isToken ? this.#token(proof, did, now) : this.#certificate(proof, did, now);
  }

  async #certificate(proof: unknown, did: Did, now: number): Promise<GoodCredential> {
    const certificate = copyCertificate(proof);
    const { scopes, epoch, notBefore, notAfter } = certificate;
    const registrar = this.#registrar(certificate.registrar, 'CERTIFICATE_INVALID:REGISTRAR');
    if (certificate.did !== did) throw new XidError('CERTIFICATE_INVALID:OTHER_DID', { field: 'did' });
    this.#assertAudience(certificate.audience, 'CERTIFICATE_INVALID:AUDIENCE');
    const known = classOf(registrar, certificate.class, 'CERTIFICATE_INVALID:CLASS');
    if (!areAmong(scopes, known.scopes))
      throw new XidError('CERTIFICATE_INVALID:SCOPES', { field: 'scopes' });
    await verifyCertificate(certificate, registrar);
    const standing = standingOf(epoch, now, this.#options);
    const until = Math.min(notAfter, overlapEnd(epoch, this.#options.epochDurationMs));
    if (standing === 'over' || now >= until) throw new XidError('CERTIFICATE_EXPIRED', { field: 'notAfter' });
    if (standing === 'not yet' || now < notBefore - this.#options.maxSkewMs)
      throw new XidError('CERTIFICATE_NOT_YET', { field: 'notBefore' });
    return { ...ofClass(certificate, known), scopes, epoch, until, by: 'certificate' };
  }

  async #token(proof: unknown, did: Did, now: number): Promise<GoodCredential> {
    const token = copyToken(proof);
    const { epoch } = token;
    const registrar = this.#registrar(token.registrar, 'TOKEN_INVALID:ISSUER');
    if (token.did !== did) throw new XidError('TOKEN_INVALID:OTHER_DID', { field: 'did' });
    this.#assertAudience(token.audience, 'TOKEN_INVALID:OTHER_DID');
    const known = classOf(registrar, token.class, 'TOKEN_INVALID:CLASS');
    if (standingOf(epoch, now, this.#options) !== 'in force')
      throw new XidError('TOKEN_INVALID:EPOCH', { field: 'epoch' });
    const { id, scopes, key } = await this.#keyOf(registrar, token);
    if (id !== token.keyId) throw new XidError('TOKEN_INVALID:ISSUER', { field: 'keyId' });
    if (!areAmong(scopes, known.scopes)) throw new XidError('TOKEN_INVALID:SCOPES');
    verifyToken(token, key);
    const until = overlapEnd(epoch, this.#options.epochDurationMs);
    return { ...ofClass(token, known), scopes, epoch, until, by: 'token', token: tokenId(token) };
  }

  /** That of the registrar for this class and epoch, and for no other. */
  async #keyOf(registrar: TrustedRegistrar, { class: name, epoch }: XidToken) {
    const place = `${registrar.did} ${name} ${epoch}`;
    const known = this.#keys.get(place);
    if (known) return known;
    const shown = await registrar.issuerKey?.(name, epoch);
    if (shown === undefined) throw new XidError('TOKEN_INVALID:ISSUER', { field: 'registrar' });
    const { statement, key } = await openIssuerKey(shown, registrar);
    if (statement.class !== name) throw new XidError('TOKEN_INVALID:CLASS', { field: 'class' });
    if (statement.epoch !== epoch) throw new XidError('TOKEN_INVALID:EPOCH', { field: 'epoch' });
    const found = { id: issuerKeyId(statement), scopes: statement.scopes, key };
    this.#keys.set(place, found);
    if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    return found;
  }

  #registrar(did: Did, id: XidErrorId): TrustedRegistrar {
    const registrar = this.#options.registrars.find((one) => one.did === did);
    if (!registrar) throw new XidError(id, { field: 'registrar' });
    return registrar;
  }

  #assertAudience(audience: string, id: XidErrorId): void {
    if (!this.#options.audience.has(audience)) throw new XidError(id, { field: 'audience' });
  }
}

function classOf(registrar: TrustedRegistrar, name: string, id: XidErrorId): TrustedClass {
  if (!Object.hasOwn(registrar.classes, name)) throw new XidError(id, { field: 'class' });
  return registrar.classes[name]!;
}

const ofClass = (
  { registrar, class: name }: { readonly registrar: Did; readonly class: string },
  { maxIdentities = DEFAULT_MAX_IDENTITIES }: TrustedClass,
) => ({ registrar, class: name, maxIdentities });
