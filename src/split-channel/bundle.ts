import { concat } from '../crypto/bytes.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { schemeFor, slotsOf } from './scheme.js';
import {
  type ChannelShare,
  GROUP_ID_BYTES,
  KEY_BYTES,
  MAX_SHARED_BYTES,
  type ShareGroup,
  TAG_BYTES,
} from './share.js';

/** The shares of one payload that travel over the same channel, each piece once (docs/PROTOCOL.md, section 16.2). */
export interface ShareBundle {
  /** At least one, by rising index. */
  readonly shares: readonly ChannelShare[];
  /** What came behind the shares, still in the memory that it came in. */
  readonly rest: Uint8Array;
}

const FORMAT = 1;
const HEAD_BYTES = 1 + GROUP_ID_BYTES + 1 + 1 + 4 + 1;
const ENTRY_BYTES = 1 + TAG_BYTES;

/** Shares of one payload, by rising index, as bytes. */
export function encodeBundle(shares: readonly ChannelShare[]): Uint8Array {
  const [group] = shares as [ChannelShare];
  const head = new Uint8Array(HEAD_BYTES + shares.length * ENTRY_BYTES);
  const view = new DataView(head.buffer);
  head[0] = FORMAT;
  head.set(decodeBase64url(group.groupId)!, 1);
  head[17] = group.totalShares;
  head[18] = group.threshold;
  view.setUint32(19, group.length);
  head[23] = shares.length;
  for (const [at, { index, tag }] of shares.entries()) {
    head[HEAD_BYTES + at * ENTRY_BYTES] = index;
    head.set(tag, HEAD_BYTES + at * ENTRY_BYTES + 1);
  }
  const pieces: Uint8Array[] = [];
  for (const share of shares)
    for (const [at, slot] of slotsOf(group, share.index).entries()) pieces[slot] ??= share.pieces[at]!;
  return concat([head, ...pieces.filter((piece) => piece !== undefined)]);
}

/** Reads the shares at the beginning of some bytes, into memory of their own. Throws `INCONSISTENT_SHARES`. */
export function decodeBundle(bytes: Uint8Array): ShareBundle {
  if (bytes.length < HEAD_BYTES || bytes[0] !== FORMAT) throw wrong('payload');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const group = groupOf(bytes, view);
  const count = bytes[23]!;
  const entries = Array.from({ length: count }, (_, at) => HEAD_BYTES + at * ENTRY_BYTES);
  const piecesAt = HEAD_BYTES + count * ENTRY_BYTES;
  if (count === 0 || bytes.length < piecesAt) throw wrong('payload');
  const indexes = entries.map((at) => bytes[at]!);
  if (indexes.some((index, at) => index >= group.totalShares || index <= (indexes[at - 1] ?? -1)))
    throw wrong('index');

  const slots = [...new Set(indexes.flatMap((index) => slotsOf(group, index)))].sort((a, b) => a - b);
  const pieceBytes = KEY_BYTES + group.length + (group.scheme === 'shamir' ? 1 : 0);
  const end = piecesAt + slots.length * pieceBytes;
  if (bytes.length < end) throw wrong('pieces');
  const own = new Uint8Array(bytes.subarray(0, end));
  const pieceAt = (place: number) => own.subarray(piecesAt + place * pieceBytes).subarray(0, pieceBytes);
  const pieces = new Map(slots.map((slot, place) => [slot, pieceAt(place)]));

  const shares = indexes.map((index, at) => ({
    ...group,
    index,
    pieces: slotsOf(group, index).map((slot) => pieces.get(slot)!),
    tag: own.subarray(entries[at]! + 1, entries[at]! + ENTRY_BYTES),
  }));
  return { shares, rest: bytes.subarray(end) };
}

function groupOf(bytes: Uint8Array, view: DataView): ShareGroup {
  const [totalShares, threshold, length] = [bytes[17]!, bytes[18]!, view.getUint32(19)];
  if (totalShares < 2) throw wrong('totalShares');
  if (threshold < 2 || threshold > totalShares) throw wrong('threshold');
  if (length > MAX_SHARED_BYTES) throw wrong('length');
  const groupId = encodeBase64url(bytes.subarray(1, 1 + GROUP_ID_BYTES));
  return { groupId, totalShares, threshold, scheme: schemeFor(totalShares, threshold), length };
}

const wrong = (field: string) => xlinkError('INCONSISTENT_SHARES', { field });
