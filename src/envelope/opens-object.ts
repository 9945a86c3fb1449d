import { xlinkError } from '../errors/errors.js';

/** What the first characters of an envelope are: more may come where they end early. */
const BEGINNING = /^[ \t\r\n]*(\{[ \t\r\n]*("|$)|$)/;

/**
 * Throws `PARSE_FAILED:SYNTAX` if bytes cannot be the beginning of an envelope: garbage is known by its first bytes, before
 * the rest is read or decoded.
 */
export function assertOpensObject(start: Uint8Array): void {
  if (!BEGINNING.test(String.fromCharCode(...start.subarray(0, 64)))) throw xlinkError('PARSE_FAILED:SYNTAX');
}
