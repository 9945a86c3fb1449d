import { MeshError } from '../../errors/mesh-error.js';
import { equalBytes } from '../../util/bytes.js';
import { chainStep } from './chains.js';
import type { Chain, RatchetLimits, SkippedKey } from './state.js';

/** Goes on to message `until`, and puts aside the keys of those in between. Throws `SIGNAL_TOO_FAR` if there are too many. */
export function skipTo(
  chain: Chain,
  of: Uint8Array,
  until: number,
  { maxJump }: RatchetLimits,
  at: number,
): { readonly chain: Chain; readonly skipped: readonly SkippedKey[] } {
  if (until - chain.next > maxJump) throw new MeshError('SIGNAL_TOO_FAR');
  const skipped: SkippedKey[] = [];
  let { key, next } = chain;
  for (; next < until; next++) {
    const step = chainStep(key);
    skipped.push({ chain: of, number: next, key: step.message, at });
    key = step.chain;
  }
  return { chain: { key, next }, skipped };
}

/** Those that are kept: not too old, of the newest chains, and not too many. */
export function trimmed(
  skipped: readonly SkippedKey[],
  { maxSkipped, maxChains, skippedMs }: RatchetLimits,
  now: number,
): readonly SkippedKey[] {
  const fresh = skipped.filter(({ at }) => now - at < skippedMs);
  const chains: Uint8Array[] = [];
  for (const { chain } of fresh) if (!chains.some((one) => equalBytes(one, chain))) chains.push(chain);
  const newest = chains.slice(-maxChains);
  const kept =
    newest.length === chains.length
      ? fresh
      : fresh.filter(({ chain }) => newest.some((one) => equalBytes(one, chain)));
  return kept.length > maxSkipped ? kept.slice(-maxSkipped) : kept;
}
