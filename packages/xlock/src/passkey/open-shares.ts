import { encodeDidKey, reconstruct } from '@private.me/xlink';
import { XlockError } from '../errors.js';
import { sameBytes, wipe } from '../util/bytes.js';
import { keyOfSeed, type SeedKey } from '../util/primitives.js';
import { agreements } from './agreement.js';
import type { PasskeyMeta } from './meta.js';
import { decodeShare, type StoredShare, vouches } from './share-format.js';

/** Bytes of an Ed25519 seed (RFC 8032). */
export const SEED_BYTES = 32;

/** Shares of one passkey that find each other good. */
export interface GoodShares {
  readonly good: readonly StoredShare[];
  /** Places, in what was given, of shares that were changed, are of somebody else, or no shares. */
  readonly bad: readonly number[];
  /** Places of shares of another splitting than those that count. */
  readonly stale: readonly number[];
}

/**
 * Picks the newest shares, at least as many as it takes, that belong together and whose HMACs are good. Nothing is put together before.
 * Throws `PASSKEY_HMAC_MISMATCH` if bad ones are in the way, otherwise `PASSKEY_RECONSTRUCTION_FAILED`; `details.bad` are places of those that
 * are bad for certain, `details.doubted` of those that doubt each other, so that nobody can tell.
 */
export const goodShares = (
  encoded: readonly Uint8Array[],
  owner: Pick<PasskeyMeta, 'service' | 'userId'>,
): GoodShares => choicesOf(encoded, owner)[0];

/** All ways to pick them, those that name this DID first, then the newest, then those with most shares; never none. Throws as {@link goodShares}. */
export function choicesOf(
  encoded: readonly Uint8Array[],
  owner: Pick<PasskeyMeta, 'service' | 'userId'>,
  did?: string,
): [GoodShares, ...GoodShares[]] {
  const shares = encoded.map((bytes) => {
    const share = decodeShare(bytes);
    return share?.meta.service === owner.service && share.meta.userId === owner.userId ? share : undefined;
  });
  const places = (some: readonly StoredShare[]) => some.map((share) => shares.indexOf(share));
  const foreign = shares.flatMap((share, at) => (share ? [] : [at]));
  const groups = groupsOf(shares).sort((a, b) => b[0]!.generation - a[0]!.generation);
  const found = groups.flatMap((group) => agreements(group).map((agreement) => ({ group, ...agreement })));
  const isOfDid = ({ good }: { good: readonly StoredShare[] }) => good[0]!.meta.did === did;
  const choices = [...found.filter(isOfDid), ...found.filter((one) => !isOfDid(one))].map(
    ({ group, good, bad }) => {
      // One that names this splitting or its time, and other facts of it, was changed; the others are of another one.
      const isChanged = ({ share, generation }: StoredShare) =>
        share.groupId === good[0]!.share.groupId || generation === good[0]!.generation;
      const others = groups.filter((other) => other !== group).flat();
      return {
        good,
        bad: [...foreign, ...places([...bad, ...others.filter(isChanged)])],
        stale: places(others.filter((share) => !isChanged(share))),
      };
    },
  );
  const [first, ...more] = choices;
  if (first) return [first, ...more];
  const doubted = places(groups.filter((group) => group.length > 1).flatMap(doubtersIn));
  throw new XlockError(
    foreign.length + doubted.length > 0 ? 'PASSKEY_HMAC_MISMATCH' : 'PASSKEY_RECONSTRUCTION_FAILED',
    { details: { bad: foreign, doubted } },
  );
}

/** Shares that have a part in a check that fails. */
const doubtersIn = (group: readonly StoredShare[]): readonly StoredShare[] =>
  group.filter((one) =>
    group.some(
      (other) => other !== one && !(areTwo(one, other) && vouches(one, other) && vouches(other, one)),
    ),
  );

const areTwo = (a: StoredShare, b: StoredShare) => a.share.index !== b.share.index;

function groupsOf(shares: readonly (StoredShare | undefined)[]): StoredShare[][] {
  const groups = new Map<string, StoredShare[]>();
  for (const share of shares) {
    if (!share) continue;
    const { groupId, totalShares, threshold, scheme, length } = share.share;
    const name = [groupId, totalShares, threshold, scheme, length, share.generation].join(' ');
    groups.set(name, [...(groups.get(name) ?? []), share]);
  }
  return [...groups.values()];
}

/** The seed, from shares that {@link goodShares} picked. Throws `PASSKEY_RECONSTRUCTION_FAILED`; wipe it afterwards. */
async function seedOf(good: readonly StoredShare[]): Promise<Uint8Array> {
  const result = await reconstruct(good.map(({ share }) => share));
  if (!result.ok) throw new XlockError('PASSKEY_RECONSTRUCTION_FAILED', { cause: result.error });
  if (result.value.length === SEED_BYTES) return result.value;
  wipe(result.value);
  throw new XlockError('PASSKEY_RECONSTRUCTION_FAILED');
}

/** The first choice whose key is the one of the DID that its shares name. Throws `PASSKEY_RECONSTRUCTION_FAILED`; wipe the seed afterwards. */
export async function togetherOf(
  choices: readonly GoodShares[],
): Promise<{ readonly chosen: GoodShares; readonly seed: Uint8Array; readonly key: SeedKey }> {
  let failed: unknown;
  for (const chosen of choices) {
    try {
      const seed = await seedOf(chosen.good);
      const key = keyOfSeed(seed);
      if (sameBytes(encodeDidKey(key.publicKey), chosen.good[0]!.meta.did)) return { chosen, seed, key };
      wipe(seed);
    } catch (error) {
      failed = error;
    }
  }
  throw new XlockError('PASSKEY_RECONSTRUCTION_FAILED', failed === undefined ? {} : { cause: failed });
}
