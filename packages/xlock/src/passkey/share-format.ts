import type { ChannelShare } from '@private.me/xlink';
import {
  fromBase64url,
  lengthPrefixed,
  numberOf,
  parseJson,
  partsOf,
  textOf,
  toBase64url,
} from '../util/bytes.js';
import { hmacSha256, isEqual, randomBytes } from '../util/primitives.js';
import type { PasskeyMeta } from './meta.js';

const FORMAT = 'xlock share 1';
const LABEL = 'xlink/1 xlock share';

/** A share as a store has it. */
export interface StoredShare {
  readonly meta: PasskeyMeta;
  /** When the passkey was split like this, in ms since 1970: the higher one is newer. */
  readonly generation: number;
  readonly share: ChannelShare;
  /** The key under which the holder of this share checks the others, 32 bytes. */
  readonly key: Uint8Array;
  /** What the tags are over. */
  readonly body: Uint8Array;
  /** HMAC-SHA256 of the body under the key of each other share; its own place is empty. */
  readonly tags: readonly Uint8Array[];
}

/**
 * The shares as stores keep them. Each carries a key of its own, and a tag under the key of every other one: any two check each other
 * before anything is put together, and no secret is needed beside them.
 */
export function encodeShares(
  meta: PasskeyMeta,
  generation: number,
  shares: readonly ChannelShare[],
): Uint8Array<ArrayBuffer>[] {
  const keys = shares.map(() => randomBytes(32));
  const bodies = shares.map(({ pieces, tag, groupId, index, totalShares, threshold, scheme, length }, at) =>
    lengthPrefixed([
      FORMAT,
      JSON.stringify([meta.service, meta.userId, meta.did, meta.verifier]),
      generation,
      fromBase64url(groupId)!,
      Uint8Array.of(index, totalShares, threshold, scheme === 'xor' ? 0 : 1, length),
      keys[at]!,
      tag,
      ...pieces,
    ]),
  );
  return bodies.map((body, at) =>
    lengthPrefixed([body, ...keys.map((key, by) => (by === at ? new Uint8Array(0) : tagOf(key, body)))]),
  );
}

/** `undefined` for what is no share at all; whether it is a good one the others tell. */
export function decodeShare(bytes: Uint8Array): StoredShare | undefined {
  const [body, ...tags] = partsOf(bytes) ?? [];
  const [format, meta, generation, groupId, facts, key, tag, ...pieces] = (body && partsOf(body)) ?? [];
  const [service, userId, did, verifier] = metaIn(meta);
  if (!format || textOf(format) !== FORMAT || did === undefined) return undefined;
  if (generation?.length !== 8 || groupId?.length !== 16 || facts?.length !== 5) return undefined;
  const [index, totalShares, threshold, scheme, length] = facts as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (key?.length !== 32 || tag?.length !== 32 || tags.length !== totalShares || index >= totalShares)
    return undefined;
  if (threshold < 2 || threshold > totalShares) return undefined; // one share alone never makes a key
  if (!tags.every((one, by) => one.length === (by === index ? 0 : 32))) return undefined;
  const share: ChannelShare = {
    groupId: toBase64url(groupId),
    index,
    totalShares,
    threshold,
    scheme: scheme === 0 ? 'xor' : 'shamir',
    length,
    pieces,
    tag,
  };
  return {
    meta: { service: service!, userId: userId!, did, verifier: verifier! },
    generation: numberOf(generation),
    share,
    key,
    body: body!,
    tags,
  };
}

function metaIn(bytes: Uint8Array | undefined): string[] {
  const value = bytes ? parseJson(textOf(bytes)) : undefined;
  return Array.isArray(value) && value.length === 4 && value.every((one) => typeof one === 'string')
    ? value
    : [];
}

const tagOf = (key: Uint8Array, body: Uint8Array): Uint8Array =>
  hmacSha256(key, lengthPrefixed([LABEL, body]));

/** Whether the holder of one share finds the HMAC of another good. */
export const vouches = (holder: StoredShare, other: StoredShare): boolean =>
  isEqual(tagOf(holder.key, other.body), other.tags[holder.share.index]!);
