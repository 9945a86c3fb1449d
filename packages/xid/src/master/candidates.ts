import { type ChannelShare, reconstruct } from '@private.me/xlink';
import { wipe } from '../util/bytes.js';

/** A share that could be read, and the number of the backend that had it. */
export interface Candidate {
  readonly at: number;
  readonly share: ChannelShare;
}

/** A seed, and the backends whose shares give it. */
export interface Agreed {
  readonly seed: Uint8Array;
  readonly at: ReadonlySet<number>;
}

/** Choices of shares that are tried of one seed: all there are of 14 shares and fewer. */
const MAX_CHOICES = 4096;

/** Those that say that they are of one seed and one sharing. */
export function groupsOf(candidates: readonly Candidate[]): readonly (readonly Candidate[])[] {
  const groups = new Map<string, Candidate[]>();
  for (const one of candidates) {
    const { groupId, totalShares, threshold, scheme, length } = one.share;
    const name = JSON.stringify([groupId, totalShares, threshold, scheme, length]);
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups.values()].map(withoutCopies);
}

/** Of shares that are the same, the one that is where it was put first. */
function withoutCopies(group: readonly Candidate[]): readonly Candidate[] {
  const isHome = ({ at, share }: Candidate) => at === share.index;
  const kept: Candidate[] = [];
  for (const one of [...group.filter(isHome), ...group.filter((other) => !isHome(other))])
    if (!kept.some(({ share }) => isSame(share, one.share))) kept.push(one);
  return kept;
}

const isSame = (a: ChannelShare, b: ChannelShare): boolean =>
  a.index === b.index &&
  Buffer.from(a.tag).equals(b.tag) &&
  a.pieces.length === b.pieces.length &&
  a.pieces.every((piece, at) => Buffer.from(piece).equals(b.pieces[at]!));

/** What the shares of a group give: nothing, a seed, or, of forged ones, several. The caller wipes them. */
export async function agreedOf(group: readonly Candidate[]): Promise<readonly Agreed[]> {
  const whole = await open(group);
  if (whole) return [whole];
  const found: Agreed[] = [];
  let left = MAX_CHOICES;
  for (const choice of choicesOf(group, group[0]!.share.threshold)) {
    if (left-- === 0) break;
    const one = await open(choice);
    if (!one) continue;
    const known = found.findIndex(({ seed }) => Buffer.from(seed).equals(one.seed));
    if (known < 0) found.push(one);
    else {
      found[known] = { seed: found[known]!.seed, at: new Set([...found[known]!.at, ...one.at]) };
      wipe(one.seed);
    }
  }
  return found;
}

/** The seed, if the tags of enough shares are right. */
async function open(choice: readonly Candidate[]): Promise<Agreed | undefined> {
  const bad = new Set<number>();
  const result = await reconstruct(
    choice.map(({ share }) => share),
    { onBadShare: (index) => void bad.add(index) },
  );
  if (!result.ok) return undefined;
  const good = choice.filter(({ share }) => !bad.has(share.index));
  return { seed: result.value, at: new Set(good.map(({ at }) => at)) };
}

/** All choices of so many, in order. None if the number is none. */
function* choicesOf<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  if (!Number.isInteger(size) || size < 1 || size > all.length) return;
  if (size === 1) {
    for (const one of all) yield [one];
    return;
  }
  for (const [at, first] of all.entries())
    for (const rest of choicesOf(all.slice(at + 1), size - 1)) yield [first, ...rest];
}
