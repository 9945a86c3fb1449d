import { equalBytes } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import { combinePieces, slotsOf } from './scheme.js';
import { type ChannelShare, KEY_BYTES } from './share.js';
import { subsets } from './subsets.js';
import { hashPieces, type PieceHashes, tagsOf } from './tags.js';

/** What was shared, and the indexes of the shares that do not fit it. */
export interface Verdict {
  readonly payload: Uint8Array;
  readonly bad: readonly number[];
}

/**
 * Finds `threshold` shares whose tags hold under the key that they give together. Throws `HMAC_VERIFICATION_FAILED` if
 * there are none among the first `maxAttempts` choices.
 */
export async function findPayload(
  crypto: CryptoProvider,
  shares: readonly ChannelShare[],
  maxAttempts: number,
): Promise<Verdict> {
  const hashes = await hashPieces(crypto, shares);
  let attempts = 0;
  for (const chosen of subsets(shares.length, shares[0]!.threshold)) {
    if (++attempts > maxAttempts) break;
    const some = chosen.map((at) => shares[at]!);
    const key = haveSameCopies(some, hashes) ? await keyOf(some) : undefined;
    if (!key) continue;
    const tags = await tagsOf(crypto, key, shares, hashes);
    const good = shares.filter((share, at) => equalBytes(share.tag, tags[at]!));
    if (!some.every((share) => good.includes(share))) continue;
    const secret = (await combinePieces(some[0]!, some))!;
    const bad = shares.filter((share) => !good.includes(share)).map(({ index }) => index);
    return { payload: secret.subarray(KEY_BYTES), bad };
  }
  throw xlinkError('HMAC_VERIFICATION_FAILED');
}

/** Tags cover the pieces of one share each, so they do not show that two shares hold different copies of one piece. */
function haveSameCopies(shares: readonly ChannelShare[], hashes: PieceHashes): boolean {
  const copies: Uint8Array[] = [];
  return shares.every((share) =>
    slotsOf(share, share.index).every((slot, at) => {
      const hash = hashes.get(share.pieces[at]!)!;
      copies[slot] ??= hash;
      return equalBytes(copies[slot], hash);
    }),
  );
}

/** The first bytes of the secret need only the first bytes of the pieces; Shamir's shares carry their number at the end. */
async function keyOf(shares: readonly ChannelShare[]): Promise<Uint8Array | undefined> {
  const [first] = shares as [ChannelShare];
  if (first.scheme === 'shamir') return (await combinePieces(first, shares))?.subarray(0, KEY_BYTES);
  const heads = shares.map(({ index, pieces }) => ({
    index,
    pieces: pieces.map((piece) => piece.subarray(0, KEY_BYTES)),
  }));
  return combinePieces(first, heads);
}
