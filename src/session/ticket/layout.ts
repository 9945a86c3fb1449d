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
  /** How far the caller has signed what it sent. */
  readonly mark: CheckpointMark;
}

/** The last checkpoint of a session; none yet: as the session began. */
export interface CheckpointMark {
  /** The first number that is not signed. */
  readonly next: number;
  /** How many checkpoints there were. */
  readonly count: number;
  /** When it was accepted, or when the session was opened, ms since 1970. */
  readonly at: number;
  /** SHA-256 of what the signatures of its envelope cover, or of that with the offer; 32 bytes. */
  readonly head: Uint8Array;
}

const FORMAT = 1;
const DID_BYTES = 56;
const MASTER_BYTES = 32;
const HEAD_BYTES = 32;
const MARK_BYTES = 2 * 4 + 8 + HEAD_BYTES;
const STATE_BYTES = 2 + SID_BYTES + 2 * DID_BYTES + MASTER_BYTES + 2 * 8 + MARK_BYTES;

/** In front of the sealed state: which key it is sealed under, and a salt. */
export const KEY_ID_BYTES = 8;
export const TICKET_SALT_BYTES = 16;
export const TICKET_HEAD_BYTES = KEY_ID_BYTES + TICKET_SALT_BYTES;

/** All tickets are of one length. */
export const TICKET_BYTES = TICKET_HEAD_BYTES + STATE_BYTES + 16;

export function encodeState(state: TicketState): Uint8Array {
  const { sid, from, to, version, master, issuedAt, notAfter, mark } = state;
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
  view.setUint32(at + 16, mark.next);
  view.setUint32(at + 20, mark.count);
  view.setBigUint64(at + 24, BigInt(mark.at));
  bytes.set(mark.head, at + 32);
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
  const mark = {
    next: view.getUint32(at + 16),
    count: view.getUint32(at + 20),
    at: Number(view.getBigUint64(at + 24)),
    head: bytes.slice(at + 32),
  };
  return { version, sid, from, to, master, issuedAt, notAfter, mark };
}
