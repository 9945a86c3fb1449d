import { concat } from '../crypto/bytes.js';
import type { Scope } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { SALT_BYTES } from './protocol.js';
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

export const FORMAT = 1;
export const SEALED_HERE = 1;
/** Format, flags and length of the scope, and the ticket: whole groups of base64url, so that a ticket always looks the same. */
export const FRONT_BYTES = 4 + TICKET_BYTES;
export const HEAD_BYTES = FRONT_BYTES + 4 + SALT_BYTES + 8;
/** Of the front as text. */
export const FRONT_CHARACTERS = (FRONT_BYTES / 3) * 4;

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
