import { decodeBase64url, encodeBase64url } from '../../util/base64url.js';
import { isMembers } from '../../util/members.js';
import { MAX_SEQUENCE, SID_BYTES } from '../protocol.js';
import { MAX_REQUESTS } from './limits.js';

/** Number of a request and its leaf, 32 bytes as base64url. */
export type Leaf = readonly [seq: number, leaf: string];

/** What a caller signs. */
export interface CheckpointStatement {
  /** Id of the session, 16 bytes. */
  readonly sid: Uint8Array;
  /** Its present ticket. */
  readonly ticket: Uint8Array;
  /** The first number that this one is about. */
  readonly from: number;
  /** The number behind the last one. */
  readonly to: number;
  /** `head` of the checkpoint before, or `offerHash`; 32 bytes. */
  readonly previous: Uint8Array;
  readonly leaves: readonly Leaf[];
}

/** What the service signs in reply. */
export interface Countersigned {
  readonly sid: Uint8Array;
  readonly to: number;
  /** SHA-256 of what the signatures of the statement's envelope cover, 32 bytes. */
  readonly head: Uint8Array;
  /** How many leaves were compared with what the service saw. */
  readonly compared: number;
  /** The ticket from now on. */
  readonly ticket: Uint8Array;
}

const FORMAT = 1;
/** 32 bytes as base64url. */
const LEAF_CHARACTERS = 43;

/** As JSON. */
export const statementPayload = ({ sid, ticket, previous, ...rest }: CheckpointStatement) => ({
  checkpoint: FORMAT,
  sid: encodeBase64url(sid),
  ticket: encodeBase64url(ticket),
  previous: encodeBase64url(previous),
  ...rest,
});

/** `undefined` for what is no statement; whether it is true is another matter. */
export function readStatement(value: unknown): CheckpointStatement | undefined {
  if (!isMembers(value) || value['checkpoint'] !== FORMAT) return undefined;
  const { from, to, leaves } = value;
  const sid = bytesIn(value['sid'], SID_BYTES);
  const ticket = bytesIn(value['ticket']);
  const previous = bytesIn(value['previous'], 32);
  if (!sid || !ticket || !previous || !isNumber(from) || !isNumber(to)) return undefined;
  if (!Array.isArray(leaves) || leaves.length > MAX_REQUESTS || !leaves.every(isLeaf)) return undefined;
  return { sid, ticket, from, to, previous, leaves };
}

/** As JSON. */
export const countersignedPayload = ({ sid, to, head, compared, ticket }: Countersigned) => ({
  checkpoint: FORMAT,
  sid: encodeBase64url(sid),
  to,
  head: encodeBase64url(head),
  compared,
  ticket: encodeBase64url(ticket),
});

/** `undefined` for what is none. */
export function readCountersigned(value: unknown): Countersigned | undefined {
  if (!isMembers(value) || value['checkpoint'] !== FORMAT) return undefined;
  const { to, compared } = value;
  const sid = bytesIn(value['sid'], SID_BYTES);
  const head = bytesIn(value['head'], 32);
  const ticket = bytesIn(value['ticket']);
  if (!sid || !head || !ticket || !isNumber(to) || !isNumber(compared)) return undefined;
  return { sid, to, head, compared, ticket };
}

/** 0 to 65 536. */
const isNumber = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_SEQUENCE;

const isLeaf = (value: unknown): value is Leaf =>
  Array.isArray(value) &&
  value.length === 2 &&
  isNumber(value[0]) &&
  typeof value[1] === 'string' &&
  value[1].length === LEAF_CHARACTERS &&
  decodeBase64url(value[1]) !== undefined;

function bytesIn(value: unknown, length?: number): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? decodeBase64url(value) : undefined;
  return bytes && (length === undefined || bytes.length === length) ? bytes : undefined;
}
