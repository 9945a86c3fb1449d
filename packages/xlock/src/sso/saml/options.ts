import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AuditSink, OperationsStore } from '@private.me/xlink';
import { isOrigin, isReadable } from '../../challenge/challenge.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isFunction,
} from '../../util/options.js';
import type { XlockVerifier } from '../../verifier/verifier.js';
import type { Login } from '../holds.js';
import { assertOwnUrl, assertStore } from '../own-options.js';

/** Formats of NameID that can be given, by the last part of their URN. */
export const NAME_ID_FORMATS = {
  unspecified: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
  emailAddress: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  persistent: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
} as const;

const CLASS = 'urn:oasis:names:tc:SAML:2.0:ac:classes:';
/** Classes that are answered with, as asked for, unless a service says otherwise; the first one where nothing is asked for. */
export const CONTEXTS = [`${CLASS}unspecified`, `${CLASS}PasswordProtectedTransport`] as const;

/** A service that users sign in to by SAML 2.0. */
export interface SamlServiceProvider {
  /** Its entity ID: the audience of assertions. */
  readonly entityId: string;
  /** Its name for people: the page and the device show it. 1 to 100 characters. Default: the host of its first ACS. */
  readonly name?: string;
  /** Where responses may be posted to (AssertionConsumerService), compared as they are written; the first is the default. https; http for this machine only. */
  readonly acsUrls: readonly string[];
  /** Certificates of which one must have signed each request, PEM. Default: requests need no signature, since responses go to `acsUrls` only. */
  readonly certificates?: readonly string[];
  /** Default `unspecified`. */
  readonly nameIdFormat?: keyof typeof NAME_ID_FORMATS;
  /**
   * Authentication context classes that may be asked for; the first one where nothing is asked for. Default: `unspecified` and
   * `PasswordProtectedTransport`, which many services insist on.
   */
  readonly authnContexts?: readonly string[];
}

/** Options of {@link xlockSaml}. */
export interface XlockSamlOptions {
  /** Asks the devices. Its origin must be that of `url`, since that is what they show. */
  readonly verifier: XlockVerifier;
  /** Such as `https://id.example/saml`: `/metadata` below it is the entity ID, `/sso` takes requests. http for this machine only. */
  readonly url: string;
  /** The services. */
  readonly serviceProviders: readonly SamlServiceProvider[];
  /** RSA key that signs responses and assertions, at least 2048 bits, PEM. */
  readonly privateKey: string;
  /** Its certificate, which services are given, PEM. */
  readonly certificate: string;
  /** Requests and approvals; the same for all instances. Default: in memory, which is refused where `NODE_ENV` is `production`. */
  readonly store?: OperationsStore;
  /** NameID of a user. Default: the account, or the DID of the passkey where it has no name. */
  readonly nameIdOf?: (account: Pick<Login, 'did' | 'userId'>, entityId: string) => string | Promise<string>;
  /** Attributes of a user. Default none. */
  readonly attributesOf?: (
    account: Pick<Login, 'did' | 'userId'>,
    entityId: string,
  ) =>
    | Readonly<Record<string, string | readonly string[]>>
    | Promise<Readonly<Record<string, string | readonly string[]>>>;
  /** How long an assertion can be used, in ms, from 10 000 to 3 600 000. Default 300 000. */
  readonly assertionTtlMs?: number;
  /** How far clocks of services may be off, in ms, up to 600 000. Default 60 000. */
  readonly clockSkewMs?: number;
  /** Longest RelayState, in bytes, up to 8192. Default 1024; the standard promises 80. */
  readonly maxRelayState?: number;
  /** What the device shows: where the sign-in comes from. Default: the address of the connection, and the browser as it calls itself. */
  readonly metadataOf?: (request: IncomingMessage) => Readonly<Record<string, string>>;
  /**
   * Makes the link, also shown as a code to scan, that opens a challenge on a device: for an approval page at an origin of its own. Default: the
   * https link of the challenge, which an app has to own.
   */
  readonly deviceLink?: (challenge: string) => string;
  /** How long a page's question for the state waits, in ms, up to 60 000. Default 25 000. */
  readonly waitMs?: number;
  /** Told each assertion; where it cannot be written, none is given (`AUDIT_UNAVAILABLE`). Default none. */
  readonly audit?: Pick<AuditSink, 'append'>;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

const NAMES = [
  'verifier',
  'url',
  'serviceProviders',
  'privateKey',
  'certificate',
  'store',
  'nameIdOf',
  'attributesOf',
  'assertionTtlMs',
  'clockSkewMs',
  'maxRelayState',
  'metadataOf',
  'deviceLink',
  'waitMs',
  'audit',
  'clock',
] as const satisfies readonly (keyof XlockSamlOptions)[];

const SP_NAMES = [
  'entityId',
  'name',
  'acsUrls',
  'certificates',
  'nameIdFormat',
  'authnContexts',
] as const satisfies readonly (keyof SamlServiceProvider)[];

const OWNER = 'xlockSaml';

/** Throws `INVALID_OPTION`. */
export function checkSamlOptions(options: XlockSamlOptions): void {
  checkNames(OWNER, options, NAMES);
  const check = (name: keyof XlockSamlOptions, isGood: (value: unknown) => boolean, what: string) =>
    checkValue(OWNER, name, options[name] as unknown, isGood, what);
  const { verifier, url, serviceProviders, store } = options;
  if (!hasMethods('createLoginChallenge', 'verifyAuth')(verifier))
    throw invalidOption('verifier', `${OWNER}: verifier must be an XlockVerifier.`);
  assertOwnUrl(OWNER, 'url', url, verifier);
  if (!Array.isArray(serviceProviders))
    throw invalidOption('serviceProviders', `${OWNER}: serviceProviders must be a list.`);
  for (const provider of serviceProviders as readonly SamlServiceProvider[]) checkServiceProvider(provider);
  if (new Set(serviceProviders.map(({ entityId }) => entityId)).size !== serviceProviders.length)
    throw invalidOption('serviceProviders', `${OWNER}: every entityId must be another one.`);
  assertKey(options);
  assertStore(OWNER, store);
  check('nameIdOf', isFunction, 'a function');
  check('attributesOf', isFunction, 'a function');
  check('assertionTtlMs', integerIn(10_000, 3_600_000), 'a whole number of ms from 10000 to 3600000');
  check('clockSkewMs', integerIn(0, 600_000), 'a whole number of ms up to 600000');
  check('maxRelayState', integerIn(80, 8192), 'a whole number of bytes from 80 to 8192');
  check('metadataOf', isFunction, 'a function');
  check('deviceLink', isFunction, 'a function');
  check('waitMs', integerIn(10, 60_000), 'a whole number of ms from 10 to 60000');
  check('audit', hasMethods('append'), 'an AuditSink of @private.me/xlink');
  check('clock', isFunction, 'a function');
}

const areTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string' && text !== '');

function checkServiceProvider(provider: SamlServiceProvider): void {
  const owner = `${OWNER}: a service provider`;
  checkNames(owner, provider, SP_NAMES);
  const check = (name: keyof SamlServiceProvider, isGood: (value: unknown) => boolean, what: string) =>
    checkValue(owner, name, provider[name] as unknown, isGood, what);
  const isName = (value: unknown) => isReadable(value) && (value as string).length <= 100;
  if (!isReadable(provider.entityId)) throw invalidOption('entityId', `${owner} needs an entityId.`);
  const isTarget = (url: string) => URL.canParse(url) && isOrigin(new URL(url).origin) && !url.includes('#');
  if (!areTexts(provider.acsUrls) || !provider.acsUrls.every(isTarget))
    throw invalidOption(
      'acsUrls',
      `${owner} needs acsUrls: https, without a fragment; http of this machine only.`,
    );
  check('name', isName, 'up to 100 characters');
  check(
    'certificates',
    (value) => areTexts(value) && value.every(isRsaCertificate),
    'certificates of RSA keys, PEM',
  );
  check(
    'nameIdFormat',
    (value) => Object.hasOwn(NAME_ID_FORMATS, String(value)),
    Object.keys(NAME_ID_FORMATS).join(', '),
  );
  check('authnContexts', areTexts, 'a list of URIs');
}

function isRsaCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).publicKey.asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

function assertKey({ privateKey, certificate }: XlockSamlOptions): void {
  const wrong = () =>
    invalidOption('privateKey', `${OWNER}: privateKey must be an RSA key of at least 2048 bits, PEM.`);
  let isPair: boolean;
  try {
    const key = createPrivateKey(privateKey);
    if (key.asymmetricKeyType !== 'rsa' || key.asymmetricKeyDetails!.modulusLength! < 2048) throw wrong();
    isPair = isRsaCertificate(certificate) && new X509Certificate(certificate).checkPrivateKey(key);
  } catch {
    throw wrong();
  }
  if (!isPair) throw invalidOption('certificate', `${OWNER}: certificate must be that of privateKey, PEM.`);
}
