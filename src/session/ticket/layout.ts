import type { Did, Version } from '../../types/protocol.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { SID_BYTES } from '../protocol.js';

/** What a ticket says to the service that made it. Scopes are not in it: they are looked up for each request. */
export interface TicketState {
  readonly sid: Uint8Array;
  readonly from: Did;
  readonly to: Did;
  /** Version of the envelope that opened the session: whose signatures vouch for it. */
  readonly version: Version;
  /** 32 bytes. */
  readonly master: Uint8Array;
  /** ms since 1970. */
  readonly issuedAt: number;
  readonly notAfter: number;
}

const FORMAT = 1;
const DID_BYTES = 56;
const MASTER_BYTES = 32;
const STATE_BYTES = 2 + SID_BYTES + 2 * DID_BYTES + MASTER_BYTES + 2 * 8;

/** In front of the sealed state: which key it is sealed under, and a salt. */
export const KEY_ID_BYTES = 8;
export const TICKET_SALT_BYTES = 16;
export const TICKET_HEAD_BYTES = KEY_ID_BYTES + TICKET_SALT_BYTES;

/** All tickets are of one length. */
export const TICKET_BYTES = TICKET_HEAD_BYTES + STATE_BYTES + 16;

export function encodeState({ sid, from, to, version, master, issuedAt, notAfter }: TicketState): Uint8Array {
  const bytes = new Uint8Array(STATE_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (part: Uint8Array) => {
    bytes.set(part, at);
    at += part.length;
  };
  put(Uint8Array.of(FORMAT, version));
  put(sid);
  put(encodeUtf8(from));
  put(encodeUtf8(to));
  put(master);
  view.setBigUint64(at, BigInt(issuedAt));
  view.setBigUint64(at + 8, BigInt(notAfter));
  return bytes;
}

/** Of bytes that this service sealed. `undefined` for another format. */
export function decodeState(bytes: Uint8Array): TicketState | undefined {
  if (bytes.length !== STATE_BYTES || bytes[0] !== FORMAT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 2;
  const take = (length: number) => {
    at += length;
    return bytes.slice(at - length, at);
  };
  const text = () => String.fromCharCode(...take(DID_BYTES));
  const version = bytes[1] as Version;
  const [sid, from, to, master] = [take(SID_BYTES), text(), text(), take(MASTER_BYTES)];
  const [issuedAt, notAfter] = [Number(view.getBigUint64(at)), Number(view.getBigUint64(at + 8))];
  return { version, sid, from, to, master, issuedAt, notAfter };
}
