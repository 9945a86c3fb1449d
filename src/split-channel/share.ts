import { xlinkError } from '../errors/service-errors.js';
import { decodeBase64url } from '../util/base64url.js';

/** How a secret is shared: by XOR, or by polynomials where XOR shares would be too large. */
export type SharingScheme = 'xor' | 'shamir';

/** One share of a payload that was split. Says nothing about the payload unless `threshold` of them come together. */
export interface ChannelShare {
  /** 16 random bytes as base64url: the same for all shares of one payload, and for no other. */
  readonly groupId: string;
  /** 0 to `totalShares - 1`. */
  readonly index: number;
  /** Shares that were made. */
  readonly totalShares: number;
  /** Shares that are needed. */
  readonly threshold: number;
  /** How the payload was shared. */
  readonly scheme: SharingScheme;
  /** Bytes of the payload. */
  readonly length: number;
  /** Each 32 bytes longer than the payload; by Shamir's scheme one, 33 bytes longer. */
  readonly pieces: readonly Uint8Array[];
  /** HMAC-SHA256 under a key that is part of what is shared, 32 bytes. */
  readonly tag: Uint8Array;
}

/** What all shares of one payload have in common. */
export type ShareGroup = Pick<ChannelShare, 'groupId' | 'totalShares' | 'threshold' | 'scheme' | 'length'>;

/** Largest payload, in bytes: 64 MiB. */
export const MAX_SHARED_BYTES = 64 * 2 ** 20;
export const MAX_SHARES = 255;
export const GROUP_ID_BYTES = 16;
export const TAG_BYTES = 32;

const isWhole = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

const isBytes = (value: unknown, length: number): boolean =>
  value instanceof Uint8Array && value.length === length;

/** Throws `INCONSISTENT_SHARES` for what is no share at all. */
export function assertShare(share: ChannelShare, piecesHeld: (group: ShareGroup) => number): void {
  const wrong = (field: keyof ChannelShare) => xlinkError('INCONSISTENT_SHARES', { field });
  if (typeof share !== 'object' || share === null) throw xlinkError('INCONSISTENT_SHARES');
  const { groupId, index, totalShares, threshold, scheme, length, pieces, tag } = share;
  if (typeof groupId !== 'string' || decodeBase64url(groupId)?.length !== GROUP_ID_BYTES)
    throw wrong('groupId');
  if (!isWhole(totalShares, 2, MAX_SHARES)) throw wrong('totalShares');
  if (!isWhole(threshold, 2, totalShares)) throw wrong('threshold');
  if (!isWhole(index, 0, totalShares - 1)) throw wrong('index');
  if (scheme !== 'xor' && scheme !== 'shamir') throw wrong('scheme');
  if (!isWhole(length, 0, MAX_SHARED_BYTES)) throw wrong('length');
  const pieceBytes = KEY_BYTES + length + (scheme === 'shamir' ? 1 : 0);
  if (!Array.isArray(pieces) || pieces.length !== piecesHeld(share)) throw wrong('pieces');
  if (!pieces.every((piece) => isBytes(piece, pieceBytes))) throw wrong('pieces');
  if (!isBytes(tag, TAG_BYTES)) throw wrong('tag');
}

/** The key of the tags comes first in what is shared. */
export const KEY_BYTES = 32;

export const sameGroup = (a: ShareGroup, b: ShareGroup): boolean =>
  a.groupId === b.groupId &&
  a.totalShares === b.totalShares &&
  a.threshold === b.threshold &&
  a.scheme === b.scheme &&
  a.length === b.length;
