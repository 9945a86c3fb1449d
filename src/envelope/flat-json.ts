import { xlinkError } from '../errors/errors.js';
import { decodeBase64urlBytes, encodeBase64url } from '../util/base64url.js';
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js';

/** Opening brace, then `"name": "text"` or `"name": integer` pairs. No escapes, no nesting: nothing to disagree about. */
const OPEN = /[ \t\r\n]*\{[ \t\r\n]*/y;
const MEMBER =
  /"([\x21\x23-\x5b\x5d-\x7e]{1,64})"[ \t\r\n]*:[ \t\r\n]*(?:"([\x20\x21\x23-\x5b\x5d-\x7e]*)"|(0|[1-9][0-9]{0,15}))[ \t\r\n]*([,}])[ \t\r\n]*/y;

/** A value in base64url that was decoded where it lay, as text of that length is costly garbage. Keeps nothing of the input. */
export class LongValue {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** As it was sent: the bytes have no other spelling. */
  get text(): string {
    return encodeBase64url(this.bytes);
  }
}

type Members = Map<string, string | number | LongValue>;

/** From so many bytes on a value is a {@link LongValue}, if it is that of the member which may be long. */
const LONG_BYTES = 16_384;
/** Quotation marks that are looked at for its beginning: more than all members of an envelope have. */
const MAX_QUOTES = 100;
const QUOTE = 0x22;

/**
 * Reads the JSON of an envelope: one flat object whose values are printable ASCII strings without escapes, or
 * non-negative integers. Stricter than `JSON.parse`, which keeps the last of two equal names and knows `__proto__`.
 * The size is checked before anything is decoded. `long`: the member that may be a {@link LongValue}.
 */
export function readFlatJson(input: string | Uint8Array, maxBytes: number, long?: string): Members {
  if (input.length > maxBytes) throw xlinkError('ENVELOPE_TOO_LARGE');
  if (typeof input === 'string') return membersOf(input);
  const around = long !== undefined && input.length >= LONG_BYTES ? readAround(input, long) : undefined;
  return around ?? membersOf(decode(input));
}

/** `undefined` where there is no long value of that name, or anything is wrong: read as a whole it is told what. */
function readAround(input: Uint8Array, long: string): Members | undefined {
  const found = longValueIn(input);
  const [start, end] = found ?? [0, 0];
  const head = decode(input.subarray(0, start));
  if (!found || !new RegExp(`"${long}"[ \\t\\r\\n]*:[ \\t\\r\\n]*"$`).test(head)) return undefined;
  const bytes = decodeBase64urlBytes(input.subarray(start, end));
  if (!bytes) return undefined;
  const members: Members = membersOf(head + decode(input.subarray(end)));
  return members.set(long, new LongValue(bytes));
}

/** Where the first long stretch between two quotation marks is. */
function longValueIn(input: Uint8Array): [number, number] | undefined {
  for (let [quotes, at] = [0, input.indexOf(QUOTE)]; at >= 0 && quotes < MAX_QUOTES; quotes++) {
    const next = input.indexOf(QUOTE, at + 1);
    if (next - at > LONG_BYTES) return [at + 1, next];
    at = next;
  }
  return undefined;
}

function membersOf(text: string): Members {
  const members: Members = new Map();
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
