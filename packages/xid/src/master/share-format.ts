import type { ChannelShare } from '@private.me/xlink';
import { XidError } from '../errors.js';
import { fromBase64url, isMembers, toBase64url } from '../util/bytes.js';

/** A share as JSON in UTF-8: what a backend keeps. */
export const encodeShare = ({ pieces, tag, ...share }: ChannelShare): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(
    Buffer.from(
      JSON.stringify({
        xid: 1,
        ...share,
        pieces: pieces.map((piece) => toBase64url(piece)),
        tag: toBase64url(tag),
      }),
    ),
  );

/** Throws `SHARE_INVALID` for what is no share at all; whether it is a good one is found out with others. */
export function decodeShare(bytes: Uint8Array): ChannelShare {
  const invalid = (cause?: unknown) => new XidError('SHARE_INVALID', cause === undefined ? {} : { cause });
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw invalid(); // the parser's error would quote it
  }
  if (!isMembers(value) || value['xid'] !== 1 || !Array.isArray(value['pieces'])) throw invalid();
  const { xid: _, ...share } = value;
  const pieces = (value['pieces'] as unknown[]).map((piece) => fromBase64url(piece));
  const tag = fromBase64url(value['tag'], 32);
  if (!tag || pieces.some((piece) => piece === undefined)) throw invalid();
  return { ...share, pieces, tag } as unknown as ChannelShare;
}
