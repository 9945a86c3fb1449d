import { defaultProvider } from '#provider';
import { nonceKey } from '../../nonce/nonce-key.js';
import type { NonceUse } from '../../types/ports.js';
import { encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A nonce, and the marker of the bucket it belongs to. */
export interface NonceKeys {
  readonly key: string;
  readonly marker: string;
}

/** Of one size however long the DIDs are, and with no character that means something to Redis but the hash tag. */
export async function keysOf(prefix: string, use: NonceUse): Promise<NonceKeys> {
  const hash = encodeBase64url(await defaultProvider().sha256(encodeUtf8(nonceKey(use))));
  const bucket = hash[0]!;
  return { key: `${prefix}{${bucket}}${hash}`, marker: markerOf(prefix, bucket) };
}

/** Those of all 64 buckets. */
export const markersOf = (prefix: string): readonly string[] =>
  [...BASE64URL].map((bucket) => markerOf(prefix, bucket));

/** What is in braces decides the slot of a cluster, so a marker is where the nonces of its bucket are. */
export const markerOf = (prefix: string, bucket: string): string => `${prefix}{${bucket}}since`;
