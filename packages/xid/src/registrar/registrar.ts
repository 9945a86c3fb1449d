import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Did, Scope } from '@private.me/xlink';
import { signCertificate, type XidCertificate } from '../certificate/certificate.js';
import { signRevocation, type XidRevocation } from '../certificate/revocation.js';
import { XidError } from '../errors.js';
import { checkEpoch, epochAt, epochStart, overlapEnd, standingOf } from '../identity/epochs.js';
import { normalizeVerifier } from '../identity/verifier-id.js';
import { blindSign } from '../token/blind-rsa.js';
import { signIssuerKey, type XidIssuerKey } from '../token/issuer-key.js';
import { toBase64url } from '../util/bytes.js';
import { areAmong, isDid, isScopeList } from '../util/forms.js';
import {
  type CheckedRegistrarOptions,
  checkedRegistrarOptions,
  type XidRegistrarOptions,
} from './options.js';

/** For whom a certificate is asked for. */
export interface CertificateRequest {
  /** The identity of the epoch. */
  readonly did: Did;
  /** The service: its origin, its DID or its name. */
  readonly audience: string;
  /** The class. */
  readonly class: string;
  /** Number of the epoch. Default: that of now. */
  readonly epoch?: number;
  /** Fewer scopes than the class has. Default: all of them, which tells the holder from nobody. */
  readonly scopes?: readonly Scope[];
}

interface Issuer {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly statement: XidIssuerKey;
}

/**
 * Says to services who may be let in, without saying who it is. It knows its holders, by what is yours to check: certify and sign only for somebody who has
 * proven who they are.
 *
 * - A certificate names the identity and the service, so the registrar can tell all identities of a person; services cannot. It can be revoked at once.
 * - A token is signed blindly: not even together with services can the registrar tell whose it is. It cannot be revoked before its epoch is over.
 */
export class XidRegistrar {
  readonly #options: CheckedRegistrarOptions;
  #tidied: Promise<void> | undefined;
  readonly #issuers = new Map<string, { readonly epoch: number; readonly issuer: Promise<Issuer> }>();

  /** Throws `INVALID_OPTION`. */
  constructor(options: XidRegistrarOptions) {
    this.#options = checkedRegistrarOptions(options);
  }

  /** The DID that services trust. */
  get did(): Did {
    return this.#options.identity.did;
  }

  /** Its ML-DSA-65 key as base64url, if it has one: services that are told it ask for both signatures. */
  get mlDsa65(): string | undefined {
    const { mlDsa65 } = this.#options.identity;
    return mlDsa65 && toBase64url(mlDsa65.publicKey);
  }

  /** The number of the epoch that it is now. */
  get epoch(): number {
    return epochAt(this.#options.clock(), this.#options.epochDurationMs);
  }

  /**
   * A certificate for the epoch and the one behind it. The same request gives the same certificate. Rejects with `CLASS_UNKNOWN`,
   * `CERTIFICATE_INVALID…`, `CERTIFICATE_EXPIRED` or `CERTIFICATE_NOT_YET` for an epoch that is not now, `VERIFIER_INVALID`.
   */
  async certify({
    did,
    audience,
    class: name,
    epoch = this.epoch,
    scopes,
  }: CertificateRequest): Promise<XidCertificate> {
    const { identity, epochDurationMs } = this.#options;
    const allowed = this.#classOf(name).scopes;
    if (!isDid(did)) throw new XidError('CERTIFICATE_INVALID', { field: 'did' });
    const granted = scopes ?? allowed;
    if (!isScopeList(granted)) throw new XidError('CERTIFICATE_INVALID', { field: 'scopes' });
    if (!areAmong(granted, allowed)) throw new XidError('CERTIFICATE_INVALID:SCOPES', { field: 'scopes' });
    const standing = standingOf(checkEpoch(epoch), this.#options.clock(), this.#options);
    if (standing !== 'in force')
      throw new XidError(standing === 'over' ? 'CERTIFICATE_EXPIRED' : 'CERTIFICATE_NOT_YET', {
        field: 'epoch',
      });
    return signCertificate(identity, {
      did,
      audience: normalizeVerifier(audience),
      class: name,
      scopes: granted,
      epoch,
      // The same for all: a time of day would tell one holder from another.
      notBefore: epochStart(epoch, epochDurationMs),
      notAfter: overlapEnd(epoch, epochDurationMs),
    });
  }

  /** Takes a certificate back. Hand the statement to the services (`service.revoke`): they refuse the identity from then on. */
  async revoke({ did, notAfter }: Pick<XidCertificate, 'did' | 'notAfter'>): Promise<XidRevocation> {
    return signRevocation(this.#options.identity, { did, notAfter });
  }

  /** The key by which tokens of a class and epoch are signed: publish it, the same to all. Rejects with `CLASS_UNKNOWN`, `TOKEN_INVALID:EPOCH`. */
  async issuerKey(name: string, epoch: number = this.epoch): Promise<XidIssuerKey> {
    return (await this.#issuer(name, epoch)).statement;
  }

  /**
   * Signs what a holder has blinded. `holder`: by what you know the person; counted, and not remembered beyond the epoch. Rejects with `ISSUANCE_REFUSED`,
   * `BLIND_INPUT_INVALID`, `CLASS_UNKNOWN`, `TOKEN_INVALID:EPOCH`.
   */
  async blindSign(name: string, epoch: number, blinded: Uint8Array, holder: string): Promise<Uint8Array> {
    const { privateKey, publicKey } = await this.#issuer(name, epoch);
    await this.#count(`${name}:${epoch}:${holder}`, overlapEnd(epoch, this.#options.epochDurationMs));
    return blindSign(privateKey, publicKey, blinded);
  }

  /** Each place is taken by one call, whatever instance it comes to. */
  async #count(holder: string, until: number): Promise<void> {
    const { store, clock, maxTokensPerHolder } = this.#options;
    const group = { name: `issued:${holder}`, max: maxTokensPerHolder };
    const name = toBase64url(randomBytes(16));
    if ((await store.add(`issued:${holder}:${name}`, { value: '1', until }, clock(), group)) === 'full')
      throw new XidError('ISSUANCE_REFUSED');
  }

  async #issuer(name: string, epoch: number): Promise<Issuer> {
    const { scopes } = this.#classOf(name);
    if (standingOf(checkEpoch(epoch), this.#options.clock(), this.#options) !== 'in force')
      throw new XidError('TOKEN_INVALID:EPOCH', { field: 'epoch' });
    const key = `${name}.${epoch}`;
    const { issuer } = this.#issuers.get(key) ?? { issuer: this.#makeIssuer(key, name, epoch, scopes) };
    this.#issuers.set(key, { epoch, issuer });
    issuer.catch(() => this.#issuers.delete(key));
    await this.#forget();
    return issuer;
  }

  /** A key whose epoch is over signs nothing any more, and is removed. */
  async #forget(): Promise<void> {
    const { clock, issuerKeys } = this.#options;
    await (this.#tidied ??= this.#tidy());
    for (const [key, { epoch }] of this.#issuers) {
      if (standingOf(epoch, clock(), this.#options) !== 'over') continue;
      this.#issuers.delete(key);
      await issuerKeys.remove(key);
    }
  }

  /** Once: what an earlier start left. Tried again if it fails. */
  async #tidy(): Promise<void> {
    const { clock, issuerKeys } = this.#options;
    try {
      for (const key of (await issuerKeys.list?.()) ?? []) {
        const [, name, epoch] = /^([a-z0-9-]+)\.(\d+)$/.exec(key) ?? [];
        if (name === undefined || !Object.hasOwn(this.#options.classes, name)) continue;
        if (standingOf(Number(epoch), clock(), this.#options) === 'over') await issuerKeys.remove(key);
      }
    } catch (error) {
      this.#tidied = undefined;
      throw error;
    }
  }

  async #makeIssuer(key: string, name: string, epoch: number, scopes: readonly Scope[]): Promise<Issuer> {
    const { issuerKeys, modulusLength, identity } = this.#options;
    const kept = (await issuerKeys.get(key)) ?? (await issuerKeys.add(key, await newKey(modulusLength)));
    const privateKey = createPrivateKey({ key: Buffer.from(kept), format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey(privateKey);
    const spki = toBase64url(publicKey.export({ format: 'der', type: 'spki' }));
    return {
      privateKey,
      publicKey,
      statement: await signIssuerKey(identity, { class: name, scopes, epoch, spki }),
    };
  }

  #classOf(name: string) {
    const { classes } = this.#options;
    if (!Object.hasOwn(classes, name)) throw new XidError('CLASS_UNKNOWN', { field: 'class' });
    return classes[name]!;
  }
}

async function newKey(modulusLength: number): Promise<Uint8Array> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength });
  return privateKey.export({ format: 'der', type: 'pkcs8' });
}
