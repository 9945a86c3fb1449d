import { xlinkError } from '../errors.js';
import { encodeUtf8 } from '../util/utf8.js';

/** What a request target may hold as it is: printable ASCII but `"` and `\`, which would need an escape in JSON. */
const FOREIGN = /[^\x21\x23-\x5b\x5d-\x7e]/gu;

/**
 * The text that binds an envelope to an HTTP request: method in capitals, a space, then path and query as they are on
 * the wire (`/orders?limit=5`, no host, no fragment). All other characters are percent-encoded, on both sides alike.
 */
export const requestBinding = (method: string, target: string): string =>
  `${method.toUpperCase()} ${target.replace(FOREIGN, percentEncode)}`;

/** Throws `REQUEST_BINDING_REQUIRED` or `REQUEST_BINDING_MISMATCH`. A binding that is present is always checked. */
export function checkRequestBinding(signed: string | undefined, actual: string, required: boolean): void {
  if (signed === undefined) {
    if (required) throw xlinkError('REQUEST_BINDING_REQUIRED', { field: 'request' });
    return;
  }
  if (signed !== actual) throw xlinkError('REQUEST_BINDING_MISMATCH', { field: 'request' });
}

/** Up to U+00FF a character stands for the byte it is on the wire (that is how Node shows a request target). */
function percentEncode(character: string): string {
  const code = character.codePointAt(0)!;
  const bytes = code <= 0xff ? [code] : encodeUtf8(character);
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
