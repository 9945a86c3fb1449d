import {
  equalBytes,
  lengthPrefixed,
  type Part,
  passingTranscript,
  readLengthPrefixed,
} from '../crypto/bytes.js';
import { xlinkError } from '../errors/errors.js';
import type { Kind } from '../types/protocol.js';
import { passingMemory } from '../util/passing-memory.js';
import { decodeUtf8, encodeUtf8, encodeUtf8Into } from '../util/utf8.js';

/** A request header: name in lower case, and value. */
export type Header = readonly [name: string, value: string];

/** What is sealed: bytes, of which type they are, the headers of a request or an answer, and the status of an answer. */
export interface Content {
  readonly bytes: Uint8Array;
  /** Empty: the caller said none. */
  readonly contentType: string;
  readonly headers?: readonly Header[] | undefined;
  /** HTTP status, 200 to 599. */
  readonly status?: number | undefined;
}

export const JSON_TYPE = 'application/json';

/** Whether content of this type is JSON (RFC 8259, RFC 6839). */
export const isJsonType = (contentType: string): boolean =>
  /^application\/([\w.+-]+\+)?json[ \t]*(;|$)/i.test(contentType);

/** A JSON value as content. Throws `PAYLOAD_NOT_SERIALIZABLE`. */
export function jsonContent(payload: unknown): Content {
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (cause) {
    throw xlinkError('PAYLOAD_NOT_SERIALIZABLE', { field: 'payload', cause });
  }
  if (text === undefined) throw xlinkError('PAYLOAD_NOT_SERIALIZABLE', { field: 'payload' });
  const memory = passingMemory(text.length); // what is no ASCII takes more
  const length = encodeUtf8Into(text, memory);
  return { bytes: length === undefined ? encodeUtf8(text) : memory, contentType: JSON_TYPE };
}

/** The value of JSON bytes. Throws `DECRYPT_FAILED:PARSE`; `cause` is left out, it would quote the payload. */
export function decodePayload(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    throw xlinkError('DECRYPT_FAILED:PARSE', { field: 'payload' });
  }
}

/** How many parts a frame has behind the DID of the sender. */
const FRAME_PARTS: Partial<Record<Kind, number>> = { request: 2, answer: 3 };

/** Of a request or an answer. A body may be large, and a list of headers may not: whoever opens it goes through it more than once. */
const MAX_HEADERS = 256;

/**
 * What is encrypted: the DID of the sender (against stripping and re-signing) and the content type, in a request and an answer
 * the headers too, in an answer the status, all length-prefixed; then the content as it is.
 */
export function framePlaintext(
  kind: Kind,
  from: string,
  { bytes, contentType, headers = [], status = 0 }: Content,
): Uint8Array {
  if (headers.length > MAX_HEADERS) throw xlinkError('INVALID_OPTION', { field: 'headers' });
  const frame: Part[] = [contentType, passingTranscript(headers.flat()), status];
  return passingTranscript([from, ...frame.slice(0, FRAME_PARTS[kind] ?? 1)], bytes);
}

/** The content of a frame that names `from`. Throws `DECRYPT_FAILED:SENDER_MISMATCH` or `DECRYPT_FAILED:PARSE`. */
export function unframePlaintext(kind: Kind, from: string, plaintext: Uint8Array): Content {
  const sender = lengthPrefixed([from]);
  if (!equalBytes(plaintext.subarray(0, sender.length), sender))
    throw xlinkError('DECRYPT_FAILED:SENDER_MISMATCH', { field: 'payload' });
  try {
    const frame = readLengthPrefixed(plaintext.subarray(sender.length), FRAME_PARTS[kind] ?? 1)!;
    const [type, block, status] = frame.parts;
    const contentType = decodeUtf8(type!);
    if (!isHeaderValue(contentType)) throw new TypeError('not a content type');
    return {
      bytes: frame.rest,
      contentType,
      ...(block ? { headers: headersIn(block) } : {}),
      ...(status ? { status: statusIn(status) } : {}),
    };
  } catch {
    throw xlinkError('DECRYPT_FAILED:PARSE', { field: 'payload' });
  }
}

function statusIn(bytes: Uint8Array): number {
  const status = bytes.at(-2)! * 256 + bytes.at(-1)!;
  const isWhole = equalBytes(bytes, lengthPrefixed([status]).subarray(4));
  if (!isWhole || status < 200 || status > 599) throw new TypeError('not a status');
  return status;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is about
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** A value that cannot end its line (RFC 9110 section 5.5). */
export const isHeaderValue = (value: string): boolean => !CONTROL.test(value);

function headersIn(block: Uint8Array): Header[] {
  const parts = readLengthPrefixed(block)?.parts;
  if (!parts || parts.length % 2 === 1 || parts.length > 2 * MAX_HEADERS) throw new TypeError('not pairs');
  const headers: Header[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const [name, value] = [decodeUtf8(parts[at]!), decodeUtf8(parts[at + 1]!)];
    if (!HEADER_NAME.test(name) || !isHeaderValue(value)) throw new TypeError('not a header');
    headers.push([name, value]);
  }
  return headers;
}

/** What `fieldsDigest` is the SHA-256 of: each name and its value, length-prefixed, in the order of `fields`. */
export const fieldsTranscript = (headers: readonly Header[]): Uint8Array => lengthPrefixed(headers.flat());
