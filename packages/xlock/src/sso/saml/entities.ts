import { verify, X509Certificate } from 'node:crypto';
import { escapeMarkup } from '../../web/page.js';
import { POST_BINDING, PROTOCOL, REDIRECT_BINDING } from './authn-request.js';
import { NAME_ID_FORMATS, type SamlServiceProvider, type XlockSamlOptions } from './options.js';
import { DSIG, SIGNATURE_METHODS } from './sound-signature.js';
import type { SamlMessage } from './transport.js';
import { refused } from './xml.js';

/** The part of samlify that is loaded. */
export type SamlifyModule = typeof import('samlify');

const METADATA = 'urn:oasis:names:tc:SAML:2.0:metadata';
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';

const keyDescriptor = (certificate: string): string =>
  `<KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="${DSIG}"><ds:X509Data><ds:X509Certificate>${new X509Certificate(certificate).raw.toString('base64')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>`;

/** Metadata of the identity provider (SAML metadata 2.4.3). */
export function idpMetadata({ url, certificate, serviceProviders }: XlockSamlOptions): string {
  const wantsSigned =
    serviceProviders.length > 0 && serviceProviders.every(({ certificates }) => certificates);
  const formats = Object.values(NAME_ID_FORMATS).map((format) => `<NameIDFormat>${format}</NameIDFormat>`);
  const places = [REDIRECT_BINDING, POST_BINDING].map(
    (binding) => `<SingleSignOnService Binding="${binding}" Location="${escapeMarkup(url)}/sso"/>`,
  );
  return `<EntityDescriptor xmlns="${METADATA}" entityID="${escapeMarkup(url)}/metadata"><IDPSSODescriptor WantAuthnRequestsSigned="${wantsSigned}" protocolSupportEnumeration="${PROTOCOL}">${keyDescriptor(certificate)}${formats.join('')}${places.join('')}</IDPSSODescriptor></EntityDescriptor>`;
}

function spMetadata(
  entityId: string,
  acsUrl: string,
  certificate: string | undefined,
  signsAssertions: boolean,
): string {
  const key = certificate === undefined ? '' : keyDescriptor(certificate);
  return `<EntityDescriptor xmlns="${METADATA}" entityID="${escapeMarkup(entityId)}"><SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="${signsAssertions}" protocolSupportEnumeration="${PROTOCOL}">${key}<AssertionConsumerService Binding="${POST_BINDING}" Location="${escapeMarkup(acsUrl)}" index="0"/></SPSSODescriptor></EntityDescriptor>`;
}

/** Signs responses and checks requests, by samlify; what it is given was read by our own reader before. */
export class Entities {
  readonly #samlify: SamlifyModule;
  readonly #options: XlockSamlOptions;
  readonly #idp: ReturnType<SamlifyModule['IdentityProvider']>;

  constructor(samlify: SamlifyModule, options: XlockSamlOptions) {
    this.#samlify = samlify;
    this.#options = options;
    this.#idp = samlify.IdentityProvider({
      metadata: idpMetadata(options),
      privateKey: options.privateKey,
      requestSignatureAlgorithm: RSA_SHA256,
      generateID: () => '_', // ours are in the message
    });
  }

  /** The response as it is posted, base64: it is signed, and so is the assertion in it. */
  async signed(
    provider: SamlServiceProvider,
    acsUrl: string,
    xml: string,
    hasAssertion: boolean,
  ): Promise<string> {
    const sp = this.#samlify.ServiceProvider({
      metadata: spMetadata(provider.entityId, acsUrl, undefined, hasAssertion),
      wantMessageSigned: true,
    });
    const { context } = await this.#idp.createLoginResponse(
      sp,
      { extract: {} },
      'post',
      {},
      {
        customTagReplacement: () => ({ id: '_', context: xml }),
      },
    );
    return context;
  }

  /**
   * Throws `REQUEST_INVALID` unless a request is signed by the service, where it has certificates. The signature covers the whole message:
   * `readAuthnRequest` has seen to that.
   */
  assertSigned(provider: SamlServiceProvider, message: SamlMessage): void {
    const { certificates } = provider;
    if (!certificates) return;
    const isBy = (certificate: string): boolean =>
      message.detached
        ? isDetachedBy(certificate, message.detached)
        : this.#isEnvelopedBy(provider, certificate, message.xml);
    if (!certificates.some(isBy)) throw refused('The request is not signed by a key of the service.');
  }

  #isEnvelopedBy({ entityId }: SamlServiceProvider, certificate: string, xml: string): boolean {
    const { SamlLib } = this.#samlify;
    const sp = this.#samlify.ServiceProvider({
      metadata: spMetadata(entityId, this.#options.url, certificate, true),
    });
    try {
      const [isGood] = SamlLib.verifySignature(xml, {
        metadata: sp.entityMeta,
        signatureAlgorithm: RSA_SHA256,
      });
      return isGood;
    } catch {
      return false;
    }
  }
}

function isDetachedBy(
  certificate: string,
  { method, signature, signed }: NonNullable<SamlMessage['detached']>,
): boolean {
  const hash = SIGNATURE_METHODS[method];
  if (hash === undefined) throw refused('The signature must be by RSA with SHA-256 or SHA-512.');
  return verify(hash, Buffer.from(signed), new X509Certificate(certificate).publicKey, signature);
}
