import { concat, lengthPrefixed } from '../crypto/bytes.js';
import { paddedKeys } from '../crypto/hmac.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { ChannelShare } from './share.js';

const LABEL = encodeUtf8('xlink/1 share');

/** A share without its tag. */
export type UntaggedShare = Omit<ChannelShare, 'tag'>;

/** SHA-256 of every piece, each taken once, however many shares hold it. */
export type PieceHashes = ReadonlyMap<Uint8Array, Uint8Array>;

export async function hashPieces(
  { sha256 }: CryptoProvider,
  shares: readonly Pick<ChannelShare, 'pieces'>[],
): Promise<PieceHashes> {
  const pieces = [...new Set(shares.flatMap((share) => share.pieces))];
  const hashes = await Promise.all(pieces.map((piece) => sha256(piece)));
  return new Map(pieces.map((piece, at) => [piece, hashes[at]!]));
}

/**
 * The tag of each share: HMAC-SHA256 over all that it says and the hashes of the pieces that it holds. Of other pieces it
 * says nothing, not even a hash: who lacks a piece must not be able to test guesses at it. All shares go through each of
 * the two hashes of HMAC together, because a wait costs more than a short hash.
 */
export async function tagsOf(
  { sha256 }: CryptoProvider,
  key: Uint8Array,
  shares: readonly UntaggedShare[],
  hashes: PieceHashes,
): Promise<Uint8Array[]> {
  const { inner, outer } = paddedKeys(key);
  const messages = shares.map((share) => {
    const hashesOfPieces = share.pieces.map((piece) => hashes.get(piece)!);
    return concat([inner, factsOf(share, hashesOfPieces)]);
  });
  const digests = await Promise.all(messages.map((message) => sha256(message)));
  return Promise.all(digests.map((digest) => sha256(concat([outer, digest]))));
}

/** The tag of one share, whose facts are known. */
export async function tagOf(
  { sha256 }: CryptoProvider,
  key: Uint8Array,
  facts: Uint8Array,
): Promise<Uint8Array> {
  const { inner, outer } = paddedKeys(key);
  return sha256(concat([outer, await sha256(concat([inner, facts]))]));
}

/** What the tag of a share is about. `hashes`: those of its pieces. */
export function factsOf(share: UntaggedShare, hashes: readonly Uint8Array[]): Uint8Array {
  const { groupId, index, totalShares, threshold, scheme, length } = share;
  const facts = encodeUtf8([groupId, index, totalShares, threshold, scheme, length].join(' '));
  return lengthPrefixed([LABEL, facts, ...hashes]);
}
