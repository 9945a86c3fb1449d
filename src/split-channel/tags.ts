import { lengthPrefixed } from '../crypto/bytes.js';
import { hmacSha256 } from '../crypto/hmac.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { ChannelShare, ShareGroup } from './share.js';

const LABEL = encodeUtf8('xlink/1 share');

/**
 * The tag of one share: HMAC over all that it says and the hashes of the pieces that it holds. Of other pieces it says
 * nothing, not even a hash: who lacks a piece must not be able to test guesses at it.
 */
export function tagOf(
  crypto: CryptoProvider,
  key: Uint8Array,
  share: ShareGroup & Pick<ChannelShare, 'index'>,
  hashes: readonly Uint8Array[],
): Promise<Uint8Array> {
  const { groupId, index, totalShares, threshold, scheme, length } = share;
  const facts = encodeUtf8([groupId, index, totalShares, threshold, scheme, length].join(' '));
  return hmacSha256(crypto, key, lengthPrefixed([LABEL, facts, ...hashes]));
}
