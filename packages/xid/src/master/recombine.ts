import { hkdfSync } from 'node:crypto';
import { XidError, type XidErrorId } from '../errors.js';
import { wipe } from '../util/bytes.js';
import { type Agreed, agreedOf, type Candidate, groupsOf } from './candidates.js';
import { decodeShare } from './share-format.js';

/** Bytes of a master seed. */
export const MASTER_BYTES = 32;

/** Seeds that were derived, in the order of what was asked, and the backends whose shares are not of the seed. */
export interface Derived {
  readonly seeds: readonly Uint8Array<ArrayBuffer>[];
  readonly bad: readonly number[];
}

/** What a backend holds; absent if it could not be read. */
export interface Held {
  readonly at: number;
  readonly bytes: Uint8Array | undefined;
}

/**
 * Puts the master seed together, derives a seed for each `info`, and overwrites the master and the shares. What is no share, or is of no seed that
 * enough others agree on, is left aside and told. Throws `SHARE…`, `SHARES_MIXED` also if the shares give two seeds.
 */
export async function recombine(held: readonly Held[], infos: readonly Uint8Array[]): Promise<Derived> {
  const candidates: Candidate[] = [];
  const agreed: Agreed[] = [];
  try {
    for (const { at, bytes } of held) {
      const share = bytes && shareOf(bytes);
      if (share) candidates.push({ at, share });
    }
    const groups = groupsOf(candidates);
    for (const group of groups) agreed.push(...(await agreedOf(group)));
    const [only, another] = agreed;
    if (!only) throw new XidError(reasonOf(held, candidates, groups));
    if (another) throw new XidError('SHARES_MIXED');
    if (only.seed.length !== MASTER_BYTES) throw new XidError('SHARE_INVALID');
    return {
      seeds: infos.map((info) => deriveSeed(only.seed, info)),
      bad: held.map(({ at }) => at).filter((at) => !only.at.has(at)),
    };
  } finally {
    wipe(...agreed.map(({ seed }) => seed), ...held.flatMap(({ bytes }) => bytes ?? []));
    wipe(...candidates.flatMap(({ share: { pieces, tag } }) => [...pieces, tag]));
  }
}

function shareOf(bytes: Uint8Array) {
  try {
    return decodeShare(bytes);
  } catch {
    return undefined;
  }
}

/** Why nothing came of them. */
function reasonOf(
  held: readonly Held[],
  candidates: readonly Candidate[],
  groups: readonly (readonly Candidate[])[],
): XidErrorId {
  if (held.length > 0 && held.every(({ bytes }) => bytes === undefined)) return 'SHARE_UNAVAILABLE';
  if (groups.some((group) => group.length >= group[0]!.share.threshold)) return 'SHARES_TAMPERED';
  if (candidates.length < held.length) return 'SHARE_INVALID';
  return candidates.length > 1 ? 'SHARES_MIXED' : 'SHARES_TOO_FEW';
}

/** HKDF-SHA256 (RFC 5869) without a salt, 32 bytes. */
export const deriveSeed = (master: Uint8Array, info: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(hkdfSync('sha256', master, new Uint8Array(0), info, 32));
