import { hkdfSync } from 'node:crypto';
import { type ChannelShare, reconstruct } from '@private.me/xlink';
import { XidError, type XidErrorId } from '../errors.js';
import { wipe } from '../util/bytes.js';
import { decodeShare } from './share-format.js';

/** Bytes of a master seed. */
export const MASTER_BYTES = 32;

/** Seeds that were derived, in the order of what was asked, and the indices of shares that turned out to be changed. */
export interface Derived {
  readonly seeds: readonly Uint8Array<ArrayBuffer>[];
  readonly bad: readonly number[];
}

const OF_SHARES: Readonly<Record<string, XidErrorId>> = {
  INSUFFICIENT_SHARES: 'SHARES_TOO_FEW',
  INCONSISTENT_SHARES: 'SHARES_MIXED',
  HMAC_VERIFICATION_FAILED: 'SHARES_TAMPERED',
};

/** Puts the master seed together, derives a seed for each `info`, and overwrites the master and the shares. Throws `SHARE…`. */
export async function recombine(
  encoded: readonly Uint8Array[],
  infos: readonly Uint8Array[],
): Promise<Derived> {
  const shares: ChannelShare[] = [];
  let master: Uint8Array | undefined;
  try {
    for (const bytes of encoded) shares.push(decodeShare(bytes));
    const bad: number[] = [];
    const result = await reconstruct(shares, { onBadShare: (index) => void bad.push(index) });
    if (!result.ok)
      throw new XidError(OF_SHARES[result.error.code] ?? 'SHARE_INVALID', { cause: result.error });
    master = result.value;
    if (master.length !== MASTER_BYTES) throw new XidError('SHARE_INVALID');
    return { seeds: infos.map((info) => deriveSeed(master!, info)), bad };
  } finally {
    wipe(master, ...encoded, ...shares.flatMap(({ pieces, tag }) => [...pieces, tag]));
  }
}

/** HKDF-SHA256 (RFC 5869) without a salt, 32 bytes. */
export const deriveSeed = (master: Uint8Array, info: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(hkdfSync('sha256', master, new Uint8Array(0), info, 32));
