import { randomBytes } from 'node:crypto';
import { invalidOption } from '../../util/options.js';
import { escapeMarkup } from '../../web/page.js';
import { ASSERTION, PROTOCOL } from './authn-request.js';

const STATUS = 'urn:oasis:names:tc:SAML:2.0:status:';
const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const BASIC = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic';

/** Second-level status codes of SAML core 3.2.2.2 that are answered with, and who they say is at fault. */
export const FAILURES = {
  AuthnFailed: 'Responder',
  NoPassive: 'Responder',
  NoAuthnContext: 'Requester',
  InvalidNameIDPolicy: 'Requester',
} as const;

/** What every response says. */
export interface ResponseHead {
  readonly issuer: string;
  readonly acsUrl: string;
  /** ID of the request. */
  readonly inResponseTo: string;
  /** In ms since 1970. */
  readonly now: number;
}

/** What an assertion says. */
export interface AssertionText {
  readonly audience: string;
  readonly nameId: string;
  /** URN. */
  readonly nameIdFormat: string;
  readonly context: string;
  /** When the user approved, in ms since 1970. */
  readonly authnAt: number;
  /** When the session at the identity provider ends, in ms since 1970. */
  readonly sessionUntil: number;
  readonly notBefore: number;
  readonly notOnOrAfter: number;
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
}

const newId = (): string => `_${randomBytes(20).toString('hex')}`;
const time = (ms: number): string => new Date(ms).toISOString();

/** A value of XML: markup in it, comments included, is text. Throws `INVALID_OPTION` for what XML cannot hold. */
function xmlText(value: unknown, field: string): string {
  if (typeof value !== 'string' || /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(value))
    throw invalidOption(field, `xlockSaml: ${field} gave what is no text of XML.`);
  return escapeMarkup(value);
}

function response(
  { issuer, acsUrl, inResponseTo, now }: ResponseHead,
  status: string,
  assertion: string,
): string {
  return `<samlp:Response xmlns:samlp="${PROTOCOL}" xmlns:saml="${ASSERTION}" ID="${newId()}" Version="2.0" IssueInstant="${time(now)}" Destination="${escapeMarkup(acsUrl)}" InResponseTo="${escapeMarkup(inResponseTo)}"><saml:Issuer>${escapeMarkup(issuer)}</saml:Issuer><samlp:Status>${status}</samlp:Status>${assertion}</samlp:Response>`;
}

/** A response with one assertion, not yet signed (SAML profiles 4.1.4.2). */
export function successResponse(head: ResponseHead, said: AssertionText): string {
  const { issuer, acsUrl, inResponseTo, now } = head;
  const attributes = Object.entries(said.attributes).map(([name, values]) => {
    const texts = (typeof values === 'string' ? [values] : values).map(
      (value) => `<saml:AttributeValue>${xmlText(value, 'attributesOf')}</saml:AttributeValue>`,
    );
    return `<saml:Attribute Name="${xmlText(name, 'attributesOf')}" NameFormat="${BASIC}">${texts.join('')}</saml:Attribute>`;
  });
  const statement =
    attributes.length > 0 ? `<saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement>` : '';
  const assertion = `<saml:Assertion xmlns:saml="${ASSERTION}" ID="${newId()}" Version="2.0" IssueInstant="${time(now)}"><saml:Issuer>${escapeMarkup(issuer)}</saml:Issuer><saml:Subject><saml:NameID Format="${said.nameIdFormat}">${xmlText(said.nameId, 'nameIdOf')}</saml:NameID><saml:SubjectConfirmation Method="${BEARER}"><saml:SubjectConfirmationData NotOnOrAfter="${time(said.notOnOrAfter)}" Recipient="${escapeMarkup(acsUrl)}" InResponseTo="${escapeMarkup(inResponseTo)}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${time(said.notBefore)}" NotOnOrAfter="${time(said.notOnOrAfter)}"><saml:AudienceRestriction><saml:Audience>${escapeMarkup(said.audience)}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="${time(said.authnAt)}" SessionIndex="${newId()}" SessionNotOnOrAfter="${time(said.sessionUntil)}"><saml:AuthnContext><saml:AuthnContextClassRef>${escapeMarkup(said.context)}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>${statement}</saml:Assertion>`;
  return response(head, `<samlp:StatusCode Value="${STATUS}Success"/>`, assertion);
}

/** A response that says why there is no assertion, not yet signed. */
export function failureResponse(head: ResponseHead, code: keyof typeof FAILURES): string {
  const status = `<samlp:StatusCode Value="${STATUS}${FAILURES[code]}"><samlp:StatusCode Value="${STATUS}${code}"/></samlp:StatusCode>`;
  return response(head, status, '');
}
