// Small changes to envelopes and their members.
import { ed25519 } from '@noble/curves/ed25519.js';
import { b64u, concat, fromB64u, fromHex, toHex } from '../reference/notation.mjs';

export const TEXT_MEMBERS = ['suite', 'kind', 'from', 'to', 'scope', 'request', 'fields', 'contentType'];
export const NUMBERS = ['version', 'timestamp', 'keyEpoch'];

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
export const flipBase64url = (text) => b64u(flipFirst(fromB64u(text)));

/** The value with one bit changed that leaves its form valid where it can. */
export function flipMember(name, value) {
  if (name === 'version') return value ^ 4;
  if (NUMBERS.includes(name)) return value + (value % 2 === 0 ? 1 : -1);
  if (!TEXT_MEMBERS.includes(name)) return flipBase64url(value);
  const at = name === 'request' ? value.length - 4 : value.length - 1;
  const flipped = String.fromCharCode(value.charCodeAt(at) ^ 1);
  return value.slice(0, at) + flipped + value.slice(at + 1);
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
export const unusedBitsSet = (text) => text.slice(0, -1) + ALPHABET[ALPHABET.indexOf(text.at(-1)) | 1];

/** Whether a text is canonical base64url. */
export function isBase64url(text) {
  try {
    return b64u(fromB64u(text)) === text;
  } catch {
    return false;
  }
}

/** The signature with `S` raised by the order of the group. */
export function raiseS(signature) {
  const S = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + ed25519.Point.Fn.ORDER;
  return concat(signature.slice(0, 32), fromHex(S.toString(16).padStart(64, '0')).reverse());
}

/** Settings of a case, if there are any. */
export const nonEmpty = (settings) => {
  const present = Object.entries(settings).filter(([, value]) => value !== undefined);
  return present.length > 0 ? { settings: Object.fromEntries(present) } : {};
};
