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

const layouts = new Map<string, ReplicatedXor>();

/** Which share holds what, worked out once for each of the few shapes that XOR is used for. */
export function xorLayout({ totalShares, threshold }: Omit<Params, 'scheme'>): ReplicatedXor {
  const name = `${threshold} of ${totalShares}`;
  const known = layouts.get(name);
  if (known) return known;
  const layout = new ReplicatedXor(totalShares, threshold);
  if (schemeFor(totalShares, threshold) === 'xor') layouts.set(name, layout);
  return layout;
}

type Params = Pick<ShareGroup, 'scheme' | 'totalShares' | 'threshold'>;

/** The places of a share's pieces among all pieces; by Shamir's scheme a share has one of its own. */
export const slotsOf = (group: ShareGroup, index: number): readonly number[] =>
  group.scheme === 'shamir' ? [index] : xorLayout(group).heldBy(index);

/** How many random pieces {@link dealPieces} needs; those of polynomials come from their package. */
export const randomPieces = (params: Params): number =>
  params.scheme === 'shamir' ? 0 : xorLayout(params).pieces - 1;

/** The pieces of each share. The memory of the secret, which must be its own, is used for one of them. */
export function dealPieces(
  params: Params,
  secret: Uint8Array,
  random: readonly Uint8Array[],
): Awaitable<Uint8Array[][]> {
  if (params.scheme === 'shamir') return shamirPieces(secret, params.totalShares, params.threshold);
  const xor = xorLayout(params);
  return xor.deal(xor.split(secret, random));
}

/** What `threshold` shares give, right or wrong; `undefined` where they cannot be of one secret. */
export function combinePieces(
  params: Params,
  shares: readonly Pick<ChannelShare, 'index' | 'pieces'>[],
): Awaitable<Uint8Array | undefined> {
  if (params.scheme === 'shamir') return shamirSecret(shares.map(({ pieces }) => pieces[0]!));
  const xor = xorLayout(params);
  const pieces: Uint8Array[] = [];
  for (const share of shares)
    for (const [at, piece] of xor.heldBy(share.index).entries()) pieces[piece] ??= share.pieces[at]!;
  return xor.combine(pieces);
}
