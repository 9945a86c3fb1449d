import { defaultProvider } from '#provider';
import type { CryptoProvider } from '../crypto/provider.js';
import { err, ok, type Result } from '../errors/result.js';
import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import { checkOptions, isFunction, isObject } from '../util/options.js';
import { tell } from '../util/tell.js';
import { piecesPerShare } from './scheme.js';
import { assertShare, type ChannelShare, sameGroup } from './share.js';
import { ShareSearch } from './share-search.js';

/** Options of {@link reconstruct}. */
export interface ReconstructOptions {
  /** Told the index of each share that was altered; only more shares than the threshold can tell which. Default: not called. */
  readonly onBadShare?: (index: number) => void;
  /** Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

/** Choices of shares that are tried before giving up: all there are of 16 shares and fewer. */
const MAX_TRIALS = 16_384;

/**
 * The payload, from at least `threshold` shares of it, in any order. Nothing is returned before the tags of enough shares
 * are checked. Fails with `INSUFFICIENT_SHARES`, `INCONSISTENT_SHARES` (of several payloads, twice the same, or no share at
 * all) or `HMAC_VERIFICATION_FAILED` (altered).
 */
export async function reconstruct(
  shares: readonly ChannelShare[],
  options: ReconstructOptions = {},
): Promise<Result<Uint8Array>> {
  try {
    checkOptions('reconstruct', options, { onBadShare: isFunction, crypto: isObject });
    const { crypto = defaultProvider(), onBadShare } = options;
    assertOneGroup(shares);
    const search = new ShareSearch(crypto, shares[0]!.threshold);
    let trials = 1;
    const found = await search.run(shares, () => ++trials <= MAX_TRIALS);
    if (!found) throw xlinkError('HMAC_VERIFICATION_FAILED');
    for (const index of found.bad) tell(onBadShare, index);
    return ok(found.payload);
  } catch (error) {
    return err(toXlinkError(error));
  }
}

function assertOneGroup(shares: readonly ChannelShare[]): void {
  if (!Array.isArray(shares) || shares.length === 0) throw xlinkError('INSUFFICIENT_SHARES');
  const first: ChannelShare = shares[0]!;
  for (const share of shares) {
    assertShare(share, piecesPerShare);
    if (!sameGroup(share, first)) throw xlinkError('INCONSISTENT_SHARES', { field: 'groupId' });
  }
  if (new Set(shares.map(({ index }) => index)).size < shares.length)
    throw xlinkError('INCONSISTENT_SHARES', { field: 'index' });
  if (shares.length < first.threshold) throw xlinkError('INSUFFICIENT_SHARES');
}
