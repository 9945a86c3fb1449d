import type { RandomBytes } from '../types.js';
import type { Awaitable } from '../util/awaitable.js';
import { ReplicatedXor } from './replicated-xor.js';
import { shamirPieces, shamirSecret } from './shamir.js';
import type { ChannelShare, ShareGroup, SharingScheme } from './share.js';
import { choose } from './subsets.js';

/** Pieces that a share may hold: it is so many times as large as the payload. */
const MAX_PIECES_PER_SHARE = 10;

/** XOR, unless its shares would be more than ten times as large as the payload. */
export const schemeFor = (totalShares: number, threshold: number): SharingScheme =>
  choose(totalShares - 1, threshold - 1) <= MAX_PIECES_PER_SHARE ? 'xor' : 'shamir';

/** How many pieces each share holds. */
export const piecesPerShare = ({ scheme, totalShares, threshold }: ShareGroup): number =>
  scheme === 'shamir' ? 1 : choose(totalShares - 1, threshold - 1);

type Params = Pick<ShareGroup, 'scheme' | 'totalShares' | 'threshold'>;

/** The pieces of each share. */
export function dealPieces(
  { scheme, totalShares, threshold }: Params,
  secret: Uint8Array,
  randomBytes: RandomBytes,
): Awaitable<Uint8Array[][]> {
  if (scheme === 'shamir') return shamirPieces(secret, totalShares, threshold);
  const xor = new ReplicatedXor(totalShares, threshold);
  const random = Array.from({ length: xor.pieces - 1 }, () => randomBytes(secret.length));
  return xor.deal(xor.split(secret, random));
}

/** What `threshold` shares give, right or wrong. */
export function combinePieces(
  { scheme, totalShares, threshold }: Params,
  shares: readonly Pick<ChannelShare, 'index' | 'pieces'>[],
): Awaitable<Uint8Array> {
  if (scheme === 'shamir') return shamirSecret(shares.map(({ pieces }) => pieces[0]!));
  const xor = new ReplicatedXor(totalShares, threshold);
  const pieces: Uint8Array[] = [];
  for (const share of shares)
    for (const [at, piece] of xor.heldBy(share.index).entries()) pieces[piece] ??= share.pieces[at]!;
  return xor.combine(pieces);
}
