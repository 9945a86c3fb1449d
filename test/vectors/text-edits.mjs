// What can be done to a member or to the text of an envelope.
import { ed25519 } from '@noble/curves/ed25519.js';
import { base64urlnopad } from '@scure/base';
import { b64u, concat, fromHex, labelOf, SUITE, toHex } from './reference.mjs';

export const L = ed25519.Point.Fn.ORDER;
export const TEXT_MEMBERS = ['suite', 'from', 'to', 'scope', 'request', 'contentType'];
export const NUMBERS = ['version', 'timestamp'];

export const nonEmpty = (settings) => {
  const present = Object.entries(settings).filter(([, value]) => value !== undefined);
  return present.length > 0 ? { settings: Object.fromEntries(present) } : {};
};

/** A text as the smallest replacement in that of a good case: at character `at`, `cut` characters become `insert`. */
export function editOf(base, text) {
  const from = base.envelope;
  let at = 0;
  while (at < from.length && at < text.length && from[at] === text[at]) at++;
  let end = 0;
  while (end < from.length - at && end < text.length - at && from.at(-1 - end) === text.at(-1 - end)) end++;
  const cut = from.length - at - end;
  const insert = text.slice(at, text.length - end);
  return cut === 0 && insert === '' ? { of: base.name } : { of: base.name, at, cut, insert };
}

export function flipFirst(bytes) {
  const out = bytes.slice();
  out[0] ^= 1;
  return out;
}
export function flipLast(bytes) {
  const out = bytes.slice();
  out[out.length - 1] ^= 1;
  return out;
}
export const flipBase64url = (text) => b64u(flipFirst(base64urlnopad.decode(text)));

/** The value with one bit changed that leaves its form valid where it can. */
export function flipMember(name, value) {
  if (name === 'version') return { value: value ^ 4, error: 'PARSE_FAILED:UNKNOWN_VERSION' };
  if (name === 'timestamp') return { value: value + (value % 2 === 0 ? 1 : -1) };
  if (!TEXT_MEMBERS.includes(name)) return { value: flipBase64url(value) };
  const at = name === 'request' ? value.length - 4 : value.length - 1;
  const flipped = String.fromCharCode(value.charCodeAt(at) ^ 1);
  return { value: value.slice(0, at) + flipped + value.slice(at + 1) };
}

export function flipError(name) {
  switch (name) {
    case 'suite':
      return 'PARSE_FAILED:UNKNOWN_VERSION';
    case 'from':
      return 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY';
    case 'to':
      return 'RECIPIENT_MISMATCH';
    case 'request':
      return 'REQUEST_BINDING_MISMATCH';
    case 'pqSignature':
      return 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH';
    default:
      return 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
  }
}

export function removedError(name, sealed) {
  if (name === 'request') return 'REQUEST_BINDING_REQUIRED';
  if (name === 'contentDigest') return 'PARSE_FAILED:MISSING_FIELD'; // contentType cannot stay behind alone
  const optional = ['contentType', 'inReplyTo', ...(sealed ? [] : ['payload'])];
  if (optional.includes(name)) return 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
  return name === 'pqSignature' ? 'PARSE_FAILED:PQ_SIGNATURE_MISSING' : 'PARSE_FAILED:MISSING_FIELD';
}

export function relabelError(from, to, sealed) {
  if (to === 3)
    return sealed && from === 1 ? 'PARSE_FAILED:MISSING_FIELD' : 'PARSE_FAILED:PQ_SIGNATURE_MISSING';
  if (sealed && from === 1) return 'PARSE_FAILED:MISSING_FIELD';
  if (from === 3 || (sealed && to === 1)) return 'PARSE_FAILED:UNKNOWN_FIELD';
  return 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
}

/** A payload has no fixed length, so a cut one may still be base64url. */
export function payloadCut(value) {
  const cut = value.slice(0, -1);
  const canonical = cut.length % 4 !== 1 && tryDecode(cut);
  return canonical ? 'VERIFICATION_FAILED:SIGNATURE_MISMATCH' : 'PARSE_FAILED';
}
export function tryDecode(text) {
  try {
    return b64u(base64urlnopad.decode(text)) === text;
  } catch {
    return false;
  }
}

export const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
export const unusedBitsSet = (text) => text.slice(0, -1) + ALPHABET[ALPHABET.indexOf(text.at(-1)) | 1];

export function raiseS(signature) {
  const S = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + L;
  const bytes = fromHex(S.toString(16).padStart(64, '0')).reverse();
  return concat(signature.slice(0, 32), bytes);
}

export const labelText = (version, sealed) =>
  Buffer.from(labelOf(version, (sealed ? SUITE.sealed : SUITE.signedOnly)[version])).toString();
