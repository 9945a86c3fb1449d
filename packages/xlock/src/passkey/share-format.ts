import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ChannelShare } from '@private.me/xlink';
import { lengthPrefixed, parseJson, partsOf, toBase64url } from '../util/bytes.js';
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
      Buffer.from(groupId, 'base64url'),
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
  if (Buffer.from(format ?? []).toString() !== FORMAT || did === undefined) return undefined;
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
    generation: Number(Buffer.from(generation).readBigUInt64BE()),
    share,
    key,
    body: body!,
    tags,
  };
}

function metaIn(bytes: Uint8Array | undefined): string[] {
  const value = bytes ? parseJson(Buffer.from(bytes).toString('utf8')) : undefined;
  return Array.isArray(value) && value.length === 4 && value.every((one) => typeof one === 'string')
    ? value
    : [];
}

const tagOf = (key: Uint8Array, body: Uint8Array): Buffer =>
  createHmac('sha256', key)
    .update(lengthPrefixed([LABEL, body]))
    .digest();

/** Whether the holder of one share finds the HMAC of another good. */
export const vouches = (holder: StoredShare, other: StoredShare): boolean =>
  timingSafeEqual(tagOf(holder.key, other.body), other.tags[holder.share.index]!);

/** The largest part of the shares in which all find each other good; the others are bad. */
export function agreeing(shares: readonly StoredShare[]): StoredShare[] {
  let left = [...shares];
  for (;;) {
    const doubts = left.map(
      (one) => left.filter((other) => other !== one && !(vouches(other, one) && vouches(one, other))).length,
    );
    const most = Math.max(0, ...doubts);
    if (most === 0) return left;
    // Where all doubt each other alike nobody can tell who is right.
    if (doubts.every((count) => count === most)) return [];
    left = left.filter((_, at) => doubts[at]! < most);
  }
}
