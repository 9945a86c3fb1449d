import { defaultProvider } from '#provider';
import { equalBytes } from '../crypto/bytes.js';
import { encodeBase64url } from '../util/base64url.js';
import { BoundedMap } from '../util/bounded-map.js';
import { encodeUtf8 } from '../util/utf8.js';

/** `wrong-again`: a wrong one that was tried before. */
export type PasswordVerdict = 'right' | 'wrong' | 'wrong-again';

/** How many wrong ones are remembered, as hashes. */
const MAX_REMEMBERED = 1000;

/**
 * Compares the password in an `Authorization: Basic` header (RFC 7617) with the right one: hash with hash, so that how
 * long it takes says nothing about either.
 */
export function passwordCheck(password: string): (authorization: string) => Promise<PasswordVerdict> {
  const hashOf = async (bytes: Uint8Array) => defaultProvider().sha256(bytes);
  const expected = hashOf(encodeUtf8(password));
  const mistakes = new BoundedMap<string, true>(MAX_REMEMBERED);
  return async (authorization) => {
    const offered = await hashOf(passwordIn(authorization));
    if (equalBytes(offered, await expected)) return 'right';
    const mistake = encodeBase64url(offered);
    if (mistakes.get(mistake)) return 'wrong-again';
    mistakes.set(mistake, true);
    return 'wrong';
  };
}

/** The bytes behind the first colon; none if the header is not in the form. */
function passwordIn(authorization: string): Uint8Array {
  try {
    const text = atob(authorization.slice('Basic '.length).trim());
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const colon = bytes.indexOf(0x3a);
    return colon === -1 ? new Uint8Array() : bytes.slice(colon + 1);
  } catch {
    return new Uint8Array();
  }
}
