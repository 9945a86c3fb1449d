import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { encodeDidKey, reconstruct } from '@private.me/xlink';
import { XlockError } from '../errors.js';
import { sameBytes, wipe } from '../util/bytes.js';
import type { PasskeyMeta } from './meta.js';
import { agreeing, decodeShare, type StoredShare } from './share-format.js';

/** Bytes of an Ed25519 seed (RFC 8032). */
export const SEED_BYTES = 32;
/** PKCS#8 of an Ed25519 key (RFC 8410) up to its seed. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Shares of one passkey that find each other good. */
export interface GoodShares {
  readonly good: readonly StoredShare[];
  /** Places, in what was given, of shares whose HMAC is wrong, that are of somebody else, or no shares. */
  readonly bad: readonly number[];
  /** Places of shares that are older than those that count. */
  readonly stale: readonly number[];
}

/**
 * Picks the newest shares, at least as many as it takes, that belong together and whose HMACs are good. Nothing is put together before.
 * Throws `PASSKEY_HMAC_MISMATCH` if bad ones are in the way, otherwise `PASSKEY_RECONSTRUCTION_FAILED`.
 */
export function goodShares(
  encoded: readonly Uint8Array[],
  owner: Pick<PasskeyMeta, 'service' | 'userId'>,
): GoodShares {
  const shares = encoded.map((bytes) => {
    const share = decodeShare(bytes);
    return share?.meta.service === owner.service && share.meta.userId === owner.userId ? share : undefined;
  });
  const groups = groupsOf(shares);
  const byAge = [...groups.values()].sort((a, b) => b[0]!.generation - a[0]!.generation);
  const agreed = byAge.map((group) => ({ group, good: agreeing(group) }));
  const found = agreed.find(({ good }) => good.length >= (good[0]?.share.threshold ?? Infinity));
  const places = (some: readonly StoredShare[]) => some.map((share) => shares.indexOf(share));
  const doubted = agreed.flatMap(({ group, good }) => group.filter((share) => !good.includes(share)));
  const bad = [...shares.flatMap((share, at) => (share ? [] : [at])), ...places(doubted)];
  if (!found)
    throw new XlockError(bad.length > 0 ? 'PASSKEY_HMAC_MISMATCH' : 'PASSKEY_RECONSTRUCTION_FAILED', {
      details: { bad },
    });
  const stale = places(agreed.filter((one) => one !== found).flatMap(({ good }) => good));
  return { good: found.good, bad, stale };
}

function groupsOf(shares: readonly (StoredShare | undefined)[]): Map<string, StoredShare[]> {
  const groups = new Map<string, StoredShare[]>();
  for (const share of shares) {
    if (!share) continue;
    const { groupId, totalShares, threshold, scheme, length } = share.share;
    const name = [groupId, totalShares, threshold, scheme, length, share.generation].join(' ');
    const group = groups.get(name) ?? [];
    // One that says it is another one again is passed over.
    if (!group.some(({ share: { index } }) => index === share.share.index)) group.push(share);
    groups.set(name, group);
  }
  return groups;
}

/** The seed, from shares that {@link goodShares} picked. Throws `PASSKEY_RECONSTRUCTION_FAILED`; wipe it afterwards. */
export async function seedOf(good: readonly StoredShare[]): Promise<Uint8Array> {
  const result = await reconstruct(good.map(({ share }) => share));
  if (!result.ok) throw new XlockError('PASSKEY_RECONSTRUCTION_FAILED', { cause: result.error });
  if (result.value.length === SEED_BYTES) return result.value;
  wipe(result.value);
  throw new XlockError('PASSKEY_RECONSTRUCTION_FAILED');
}

/** The key of a seed, by way of one buffer that is overwritten. */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([PKCS8, seed]);
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } finally {
    wipe(key);
  }
}

/** The 32 bytes of the public key. */
export const publicKeyOf = (key: KeyObject): Uint8Array =>
  Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));

/** Throws `PASSKEY_RECONSTRUCTION_FAILED` unless this is the key of the DID that the shares name. */
export function assertKeyOf(key: KeyObject, { did }: PasskeyMeta): void {
  if (!sameBytes(encodeDidKey(publicKeyOf(key)), did)) throw new XlockError('PASSKEY_RECONSTRUCTION_FAILED');
}
