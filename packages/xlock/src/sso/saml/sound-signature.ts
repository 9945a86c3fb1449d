import { refused, type XmlElement } from './xml.js';

export const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = `${DSIG}enveloped-signature`;
/** RSA with SHA-256 and SHA-512. SHA-1 is not taken, nor HMAC, which would make a key of the certificate. */
export const SIGNATURE_METHODS: Readonly<Record<string, string>> = {
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512': 'sha512',
};
const DIGEST_METHODS = ['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512'];

/**
 * Whether a signature has the only form that is taken: one SignedInfo (CVE-2025-29774) with one Reference, to the ID of the message in which it
 * stands, whose digest is nothing but base64 (CVE-2025-29775), by algorithms that hold. It says nothing about whether it verifies. Throws
 * `REQUEST_INVALID`.
 */
export function assertSoundSignature(signature: XmlElement, id: string): void {
  const [info, value, keyInfo, ...more] = signature.children;
  if (
    !is(info, 'SignedInfo') ||
    !is(value, 'SignatureValue') ||
    more.length > 0 ||
    (keyInfo && !is(keyInfo, 'KeyInfo'))
  )
    throw refused('The signature must have one SignedInfo and one SignatureValue.');
  if (names(signature).filter((name) => name === 'SignedInfo').length !== 1)
    throw refused('The signature must have one SignedInfo and one SignatureValue.');
  assertBase64(value);
  const [canonicalization, method, reference, ...others] = info!.children;
  if (
    !is(canonicalization, 'CanonicalizationMethod') ||
    algorithm(canonicalization) !== C14N ||
    canonicalization!.children.length > 0
  )
    throw refused('The signature must be canonicalized by exc-c14n.');
  if (
    !is(method, 'SignatureMethod') ||
    SIGNATURE_METHODS[algorithm(method) ?? ''] === undefined ||
    method!.children.length > 0
  )
    throw refused('The signature must be by RSA with SHA-256 or SHA-512.');
  if (!is(reference, 'Reference') || others.length > 0 || reference!.attributes.get('URI') !== `#${id}`)
    throw refused('The signature must have one Reference, to the ID of its message.');
  const [transforms, digest, digestValue, ...rest] = reference!.children;
  const isPlain = (one: XmlElement) =>
    is(one, 'Transform') && one.children.every(({ name }) => name === 'InclusiveNamespaces');
  if (!is(transforms, 'Transforms') || !transforms!.children.every(isPlain))
    throw refused('The Reference must have Transforms.');
  const [first, second, ...third] = transforms!.children.map(algorithm);
  if (first !== ENVELOPED || (second !== undefined && second !== C14N) || third.length > 0)
    throw refused('The Transforms must be enveloped-signature and exc-c14n.');
  if (!is(digest, 'DigestMethod') || !DIGEST_METHODS.includes(algorithm(digest) ?? '') || rest.length > 0)
    throw refused('The digest must be SHA-256 or SHA-512.');
  if (!is(digestValue, 'DigestValue')) throw refused('The Reference must have a DigestValue.');
  assertBase64(digestValue);
}

const is = (element: XmlElement | undefined, name: string): boolean =>
  element?.name === name && element.namespace === DSIG;

const algorithm = (element: XmlElement | undefined): string | undefined =>
  element?.attributes.get('Algorithm');

const names = ({ children }: XmlElement): string[] =>
  children.flatMap((child) => [child.name, ...names(child)]);

function assertBase64(element: XmlElement | undefined): void {
  if (!element || element.children.length > 0 || !/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(element.text))
    throw refused('A value of the signature is not base64.');
}
