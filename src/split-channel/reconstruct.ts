import { defaultProvider } from '#provider';
import { equalBytes } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { toXlinkError, xlinkError } from '../errors.js';
import { err, ok, type Result } from '../result.js';
import { checkOptions, isFunction, isObject } from '../util/options.js';
import { PieceHashes } from './piece-hashes.js';
import { combinePieces, piecesPerShare } from './scheme.js';
import { assertShare, type ChannelShare, KEY_BYTES, sameGroup } from './share.js';
import { subsets } from './subsets.js';
import { tagOf } from './tags.js';

export interface ReconstructOptions {
  /** Told the index of each share that was altered; only more shares than the threshold can tell which. */
  readonly onBadShare?: (index: number) => void;
  /** Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

/** Ways to leave bad shares out that are tried before giving up. */
const MAX_ATTEMPTS = 1000;

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
    const trial = new Trial(crypto, shares);
    const { secret, good } = await trial.run();
    for (const share of shares) if (!good.has(share)) onBadShare?.(share.index);
    return ok(secret.subarray(KEY_BYTES));
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

/** Finds the shares that are good: `threshold` of them whose tags hold under the key that they give together. */
class Trial {
  readonly #crypto: CryptoProvider;
  readonly #shares: readonly ChannelShare[];
  readonly #hashes: PieceHashes;

  constructor(crypto: CryptoProvider, shares: readonly ChannelShare[]) {
    this.#crypto = crypto;
    this.#shares = shares;
    this.#hashes = new PieceHashes(crypto);
  }

  async run(): Promise<{ secret: Uint8Array; good: Set<ChannelShare> }> {
    const { threshold } = this.#shares[0]!;
    let attempts = 0;
    for (const chosen of subsets(this.#shares.length, threshold)) {
      if (++attempts > MAX_ATTEMPTS) break;
      const some = chosen.map((at) => this.#shares[at]!);
      const key = await this.#keyOf(some);
      const held = await Promise.all(this.#shares.map((share) => this.#holds(share, key)));
      const good = new Set(this.#shares.filter((_, at) => held[at]));
      if (!some.every((share) => good.has(share))) continue;
      return { secret: await combinePieces(some[0]!, some), good };
    }
    throw xlinkError('HMAC_VERIFICATION_FAILED');
  }

  /** The first bytes of the secret need only the first bytes of the pieces; Shamir's shares carry their number at the end. */
  async #keyOf(shares: readonly ChannelShare[]): Promise<Uint8Array> {
    const [{ scheme }] = shares as [ChannelShare];
    if (scheme === 'shamir') return (await combinePieces(shares[0]!, shares)).subarray(0, KEY_BYTES);
    const heads = shares.map(({ index, pieces }) => ({
      index,
      pieces: pieces.map((piece) => piece.subarray(0, KEY_BYTES)),
    }));
    return combinePieces(shares[0]!, heads);
  }

  async #holds(share: ChannelShare, key: Uint8Array): Promise<boolean> {
    return equalBytes(share.tag, await tagOf(this.#crypto, key, share, await this.#hashes.of(share.pieces)));
  }
}
