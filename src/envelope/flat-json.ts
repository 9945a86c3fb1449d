import { xlinkError } from '../errors/errors.js';
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js';

/** Opening brace, then `"name": "text"` or `"name": integer` pairs. No escapes, no nesting: nothing to disagree about. */
const OPEN = /[ \t\r\n]*\{[ \t\r\n]*/y;
const MEMBER =
  /"([\x21\x23-\x5b\x5d-\x7e]{1,64})"[ \t\r\n]*:[ \t\r\n]*(?:"([\x20\x21\x23-\x5b\x5d-\x7e]*)"|(0|[1-9][0-9]{0,15}))[ \t\r\n]*([,}])[ \t\r\n]*/y;

/**
 * Reads the JSON of an envelope: one flat object whose values are printable ASCII strings without escapes, or
 * non-negative integers. Stricter than `JSON.parse`, which keeps the last of two equal names and knows `__proto__`.
 * The size is checked before anything is decoded.
 */
export function readFlatJson(input: string | Uint8Array, maxBytes: number): Map<string, string | number> {
  if (input.length > maxBytes) throw xlinkError('ENVELOPE_TOO_LARGE');
  const text = typeof input === 'string' ? input : decode(input);
  const members = new Map<string, string | number>();
  OPEN.lastIndex = 0;
  if (!OPEN.test(text)) throw syntax();
  let at = OPEN.lastIndex;
  for (;;) {
    MEMBER.lastIndex = at;
    const match = MEMBER.exec(text);
    if (!match) throw syntax();
    const [, name, string, integer, end] = match;
    if (members.has(name!)) throw xlinkError('PARSE_FAILED:DUPLICATE_FIELD');
    members.set(name!, string ?? Number(integer));
    at = MEMBER.lastIndex;
    if (end === '}') break;
  }
  if (at !== text.length) throw syntax();
  return members;
}

const syntax = () => xlinkError('PARSE_FAILED:SYNTAX');

function decode(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw syntax();
  }
}

/** The bytes of an envelope on the wire: `JSON.stringify`, which keeps to the form above. */
export const encodeEnvelope = (envelope: object): Uint8Array => encodeUtf8(JSON.stringify(envelope));
