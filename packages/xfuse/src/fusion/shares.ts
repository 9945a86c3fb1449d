import { type ChannelShare, type CryptoProvider, reconstruct, splitForChannel } from '@private.me/xlink';
import { XfuseError } from '../errors.js';
import { fromBase64url, toBase64url, utf8 } from '../util/bytes.js';

/** Deals a secret of 32 bytes, k of n. */
export async function dealShares(
  crypto: CryptoProvider,
  secret: Uint8Array,
  threshold: number,
  totalShares: number,
): Promise<Uint8Array[]> {
  const shares = await splitForChannel(secret, { threshold, totalShares, crypto });
  return shares.map(({ pieces, tag, ...rest }) =>
    utf8(JSON.stringify({ ...rest, pieces: pieces.map(toBase64url), tag: toBase64url(tag) })),
  );
}

/** The secret. Throws `SHARES_MIXED` for shares of several enrollments, `SHARES_DAMAGED` for altered ones. */
export async function joinShares(crypto: CryptoProvider, shares: readonly Uint8Array[]): Promise<Uint8Array> {
  const joined = await reconstruct(shares.map(readShare), { crypto });
  if (joined.ok && joined.value.length === 32) return joined.value;
  const cause = joined.ok ? undefined : joined.error;
  throw new XfuseError(cause?.code === 'INCONSISTENT_SHARES' ? 'SHARES_MIXED' : 'SHARES_DAMAGED', { cause });
}

function readShare(bytes: Uint8Array): ChannelShare {
  try {
    const share = JSON.parse(new TextDecoder().decode(bytes));
    return {
      ...share,
      pieces: share.pieces.map((piece: string) => fromBase64url(piece)),
      tag: fromBase64url(share.tag),
    };
  } catch (cause) {
    throw new XfuseError('SHARES_DAMAGED', { cause });
  }
}
