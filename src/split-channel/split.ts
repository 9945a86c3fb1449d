import { defaultProvider } from '#provider';
import { concat } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import { encodeBase64url } from '../util/base64url.js';
import { checkOptions, integerIn, isObject } from '../util/options.js';
import { drawRandom } from './draw-random.js';
import { dealPieces, randomPieces, schemeFor } from './scheme.js';
import {
  type ChannelShare,
  GROUP_ID_BYTES,
  KEY_BYTES,
  MAX_SHARED_BYTES,
  MAX_SHARES,
  type ShareGroup,
} from './share.js';
import { hashPieces, tagsOf } from './tags.js';

/** Options of {@link splitForChannel}. */
export interface SplitOptions {
  /** How many shares are made, 2 to 255. Default 3. */
  readonly totalShares?: number;
  /** How many of them are needed, 2 to `totalShares`; one less says nothing. Default 2. */
  readonly threshold?: number;
  /** Hashes, and the source of everything random. Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

/**
 * Splits a payload of at most 64 MiB into shares that can travel over different channels (docs/xorida.md). A share of
 * 2-of-3 is twice as large as the payload, one of 3-of-5 six times. Throws `INVALID_OPTION`.
 */
export async function splitForChannel(
  plaintext: Uint8Array,
  options: SplitOptions = {},
): Promise<ChannelShare[]> {
  checkOptions('splitForChannel', options, {
    totalShares: integerIn(2, MAX_SHARES),
    threshold: integerIn(2, options.totalShares ?? 3),
    crypto: isObject,
  });
  if (!(plaintext instanceof Uint8Array) || plaintext.length > MAX_SHARED_BYTES)
    throw xlinkError('INVALID_OPTION', {
      field: 'plaintext',
      hint: 'splitForChannel: plaintext must be a Uint8Array of at most 64 MiB.',
    });
  const { totalShares = 3, threshold = 2, crypto = defaultProvider() } = options;
  const scheme = schemeFor(totalShares, threshold);
  const params = { totalShares, threshold, scheme };
  const sizes = Array.from({ length: randomPieces(params) }, () => KEY_BYTES + plaintext.length);
  const drawn = drawRandom(crypto.randomBytes, [GROUP_ID_BYTES, KEY_BYTES, ...sizes]);
  const [groupId, key, ...random] = drawn as [Uint8Array, Uint8Array, ...Uint8Array[]];
  const group: ShareGroup = { ...params, groupId: encodeBase64url(groupId), length: plaintext.length };
  const dealt = await dealPieces(group, concat([key, plaintext]), random);
  const shares = dealt.map((pieces, index) => ({ ...group, index, pieces }));
  const tags = await tagsOf(crypto, key, shares, await hashPieces(crypto, shares));
  return shares.map((share, at) => ({ ...share, tag: tags[at]! }));
}
