import { xlinkError } from '../errors/errors.js';
import { isJsonType } from '../http/media-type.js';
import { decodeUtf8 } from '../util/utf8.js';

/** JSON strings and numbers, in turn, so that digits inside a string are passed over. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * The value of a JSON body, which will be sealed; `undefined` if the body is not JSON. Throws
 * `REQUEST_BODY_UNSUPPORTED` for numbers that JavaScript would change, since the service must get what was meant.
 */
export function jsonBody(
  body: Uint8Array,
  contentType: string | null,
): { readonly value: unknown } | undefined {
  if (!isJsonType(contentType)) return undefined;
  let text: string;
  let value: unknown;
  try {
    text = decodeUtf8(body);
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (hasRoundedNumber(text))
    throw xlinkError('REQUEST_BODY_UNSUPPORTED', {
      field: 'body',
      hint: 'A number in it is too large for JavaScript and would be changed; send it as a string.',
    });
  return { value };
}

function hasRoundedNumber(text: string): boolean {
  if (!/\d{16}|[eE]\+?\d{3}/.test(text)) return false;
  for (const [token] of text.matchAll(TOKENS)) {
    if (token.startsWith('"')) continue;
    if (!Number.isFinite(Number(token))) return true;
    if (/^-?\d{16,}$/.test(token) && BigInt(token) !== BigInt(Number(token))) return true;
  }
  return false;
}
