import { concat } from '../crypto/bytes.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { xlinkError } from '../errors/errors.js';
import type { Scope } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { MAX_SEQUENCE, SALT_BYTES } from './protocol.js';
import { TICKET_BYTES } from './ticket/layout.js';

/** What a request in a session says of itself in its header. */
export interface Credential {
  /** {@link TICKET_BYTES} bytes that only the service can open. */
  readonly ticket: Uint8Array;
  /** Number of the request in its session. */
  readonly seq: number;
  /** 16 random bytes: no two messages have one key, even if a caller's memory was set back. */
  readonly salt: Uint8Array;
  /** ms since 1970. */
  readonly timestamp: number;
  readonly scope: Scope;
  /** What is sealed of a request without a body; absent: it is the body. */
  readonly sealed?: Uint8Array | undefined;
}

const FORMAT = 1;
const MAX_SCOPE_CHARACTERS = 128;
const SEALED_HERE = 1;
/** Format, flags and length of the scope, and the ticket: whole groups of base64url, so that a ticket always looks the same. */
const FRONT_BYTES = 4 + TICKET_BYTES;
const HEAD_BYTES = FRONT_BYTES + 4 + SALT_BYTES + 8;
/** Of the front as text. */
export const FRONT_CHARACTERS = (FRONT_BYTES / 3) * 4;
/** Node takes 16 KiB of headers by default. */
const MAX_CHARACTERS = 32 * 1024;

/** The header as text: base64url. */
export function encodeCredential({ ticket, seq, salt, timestamp, scope, sealed }: Credential): string {
  const head = new Uint8Array(HEAD_BYTES + scope.length);
  const view = new DataView(head.buffer);
  head.set([FORMAT, sealed ? SEALED_HERE : 0, 0, scope.length]);
  head.set(ticket, 4);
  view.setUint32(FRONT_BYTES, seq);
  head.set(salt, FRONT_BYTES + 4);
  view.setBigUint64(FRONT_BYTES + 4 + SALT_BYTES, BigInt(timestamp));
  for (let i = 0; i < scope.length; i++) head[HEAD_BYTES + i] = scope.charCodeAt(i);
  return encodeBase64url(sealed ? concat([head, sealed]) : head);
}

/** Throws `SESSION_MALFORMED`, or `SESSION_SEQUENCE_INVALID` for a number that no session has. */
export function decodeCredential(text: string): Credential {
  const bytes = text.length <= MAX_CHARACTERS ? decodeBase64url(text) : undefined;
  if (!bytes || bytes.length < HEAD_BYTES || bytes[0] !== FORMAT || bytes[1]! > SEALED_HERE)
    throw malformed('xlink-session');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seq = view.getUint32(FRONT_BYTES);
  const salt = bytes.subarray(FRONT_BYTES + 4, FRONT_BYTES + 4 + SALT_BYTES);
  const timestamp = Number(view.getBigUint64(FRONT_BYTES + 4 + SALT_BYTES));
  const end = HEAD_BYTES + view.getUint16(2);
  if (end > HEAD_BYTES + MAX_SCOPE_CHARACTERS) throw malformed('scope');
  const scope = String.fromCharCode(...bytes.subarray(HEAD_BYTES, end));
  const isHere = bytes[1] === SEALED_HERE;
  if (end > bytes.length || (!isHere && end < bytes.length)) throw malformed('xlink-session');
  if (!isScopeOrAll(scope)) throw malformed('scope');
  if (!Number.isSafeInteger(timestamp)) throw malformed('timestamp');
  if (seq >= MAX_SEQUENCE) throw xlinkError('SESSION_SEQUENCE_INVALID', { field: 'seq' });
  const sealed = isHere ? bytes.subarray(end) : undefined;
  return { ticket: bytes.subarray(4, FRONT_BYTES), seq, salt, timestamp, scope, sealed };
}

const malformed = (field: string) => xlinkError('SESSION_MALFORMED', { field });
