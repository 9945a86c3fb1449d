import { assertSoundSignature, DSIG } from './sound-signature.js';
import { readXml, refused, type XmlElement } from './xml.js';

export const PROTOCOL = 'urn:oasis:names:tc:SAML:2.0:protocol';
export const ASSERTION = 'urn:oasis:names:tc:SAML:2.0:assertion';
export const POST_BINDING = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';
export const REDIRECT_BINDING = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

/** What an AuthnRequest says (SAML core 3.4.1), read by a reader that takes nothing that could be read in two ways. */
export interface AuthnRequest {
  readonly id: string;
  readonly issuer: string;
  /** In ms since 1970. */
  readonly issuedAt: number;
  readonly destination: string | undefined;
  readonly acsUrl: string | undefined;
  readonly acsIndex: number | undefined;
  readonly forceAuthn: boolean;
  readonly isPassive: boolean;
  readonly nameIdFormat: string | undefined;
  /** Empty: any. */
  readonly contexts: readonly string[];
  readonly comparison: string;
  /** Whether it is signed inside, which says nothing yet about by whom. */
  readonly hasSignature: boolean;
}

const ALLOWED = [
  [ASSERTION, 'Issuer'],
  [DSIG, 'Signature'],
  [PROTOCOL, 'Extensions'],
  [PROTOCOL, 'NameIDPolicy'],
  [PROTOCOL, 'RequestedAuthnContext'],
  [PROTOCOL, 'Scoping'],
] as const;

/** Reads an AuthnRequest. Throws `REQUEST_INVALID`. */
export function readAuthnRequest(xml: string): AuthnRequest {
  const root = readXml(xml);
  if (root.name !== 'AuthnRequest' || root.namespace !== PROTOCOL) throw refused('This is no AuthnRequest.');
  assertOnce(root);
  assertIdsAreUnique(root);
  const attribute = (name: string) => root.attributes.get(name);
  const child = (name: string) => root.children.find((one) => one.name === name);
  const id = attribute('ID') ?? '';
  if (!/^[A-Za-z_][\w.-]{0,255}$/.test(id)) throw refused('ID must be a name of up to 256 characters.');
  if (attribute('Version') !== '2.0') throw refused('Version must be 2.0.');
  const issuer = child('Issuer');
  if (root.children[0] !== issuer || !issuer || issuer.children.length > 0)
    throw refused('Issuer must stand first.');
  const binding = attribute('ProtocolBinding');
  if (binding !== undefined && binding !== POST_BINDING) throw refused('Only HTTP-POST is answered by.');
  const signature = child('Signature');
  if (signature) assertSoundSignature(signature, id);
  const index = attribute('AssertionConsumerServiceIndex');
  if (
    index !== undefined &&
    (attribute('AssertionConsumerServiceURL') !== undefined || !/^\d{1,3}$/.test(index))
  )
    throw refused('AssertionConsumerServiceIndex must be a number, and stand for the URL.');
  const context = child('RequestedAuthnContext');
  return {
    id,
    issuer: issuer.text.trim(),
    issuedAt: instant(attribute('IssueInstant')),
    destination: attribute('Destination'),
    acsUrl: attribute('AssertionConsumerServiceURL'),
    acsIndex: index === undefined ? undefined : Number(index),
    forceAuthn: flag(attribute('ForceAuthn')),
    isPassive: flag(attribute('IsPassive')),
    nameIdFormat: child('NameIDPolicy')?.attributes.get('Format'),
    contexts: contextsOf(context),
    comparison: context?.attributes.get('Comparison') ?? 'exact',
    hasSignature: signature !== undefined,
  };
}

/** Each of the allowed children at most once, and nothing below them that could be taken for one. */
function assertOnce(root: XmlElement): void {
  for (const { name, namespace } of root.children)
    if (!ALLOWED.some(([of, allowed]) => of === namespace && allowed === name))
      throw refused('The AuthnRequest has an element that is not taken.');
  if (new Set(root.children.map(({ name }) => name)).size !== root.children.length)
    throw refused('An element stands twice.');
  const hidden = ['AuthnRequest', 'Assertion', 'EncryptedAssertion', 'Response', 'Signature', 'Issuer'];
  const walk = (element: XmlElement): void => {
    for (const below of element.children) {
      if (hidden.includes(below.name)) throw refused('A message stands inside another one.');
      walk(below);
    }
  };
  for (const child of root.children) walk(child);
}

/** A signature names what it signs by an ID: there must be one of each, however it is spelled. */
function assertIdsAreUnique(root: XmlElement): void {
  const ids = new Set<string>();
  const walk = ({ attributes, children }: XmlElement): void => {
    for (const [name, value] of attributes) {
      if (name.replace(/^\{.*\}/, '').toLowerCase() !== 'id') continue;
      if (ids.has(value)) throw refused('An ID stands twice.');
      ids.add(value);
    }
    for (const child of children) walk(child);
  };
  walk(root);
}

function contextsOf(context: XmlElement | undefined): readonly string[] {
  if (!context) return [];
  if (
    context.children.some(({ name, namespace }) => name !== 'AuthnContextClassRef' || namespace !== ASSERTION)
  )
    throw refused('RequestedAuthnContext may name classes only.');
  return context.children.map(({ text }) => text.trim());
}

function instant(value: string | undefined): number {
  const isDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(value ?? '');
  const at = isDate ? Date.parse(value!) : Number.NaN;
  if (Number.isNaN(at)) throw refused('IssueInstant must be a time in UTC.');
  return at;
}

function flag(value: string | undefined): boolean {
  if (value !== undefined && !/^(true|false|0|1)$/.test(value))
    throw refused('ForceAuthn and IsPassive are true or false.');
  return value === 'true' || value === '1';
}
