import { equalBytes } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { pause } from '../util/backoff.js';
import { valueAtZero } from './gf256.js';
import { combinePieces, slotsOf } from './scheme.js';
import { type ChannelShare, KEY_BYTES } from './share.js';
import { subsets } from './subsets.js';
import { factsOf, tagOf } from './tags.js';

/** What was shared, and the indexes of the shares that do not fit it. */
export interface Verdict {
  readonly payload: Uint8Array;
  readonly bad: readonly number[];
}

/** Choices that are tried before others get a turn. */
const TRIALS_AT_A_TIME = 128;

/** A share, and what its tag is about: worked out once, when it comes. */
interface Candidate {
  readonly share: ChannelShare;
  readonly facts: Uint8Array;
  /** SHA-256 of its pieces. */
  readonly hashes: readonly Uint8Array[];
}

/**
 * Finds `threshold` shares whose tags hold under the key that they give together, while shares come one after the other.
 * No choice of shares is tried twice: each new share is tried with all choices of those before it. So a message comes as
 * soon as enough good shares are there, whatever bad ones are beside them, and the bad ones are known then.
 */
export class ShareSearch {
  readonly #crypto: CryptoProvider;
  readonly #candidates: Candidate[] = [];
  readonly #choices: Generator<readonly number[] | undefined>;
  /** The choice to try next, if it is known; what it costs may have to wait. */
  #next: readonly number[] | undefined;
  /** Those that fit together, once they are found. */
  #found: readonly number[] | undefined;
  #isFirst = true;

  constructor(crypto: CryptoProvider, threshold: number) {
    this.#crypto = crypto;
    this.#choices = this.#choicesOf(threshold);
  }

  /** `shares`: all that came, in the order in which they came; those that were given before are not looked at again. */
  async #take(shares: Iterable<ChannelShare>): Promise<void> {
    const { sha256 } = this.#crypto;
    const known = new Map<Uint8Array, Uint8Array>();
    for (const share of [...shares].slice(this.#candidates.length)) {
      const hashes: Uint8Array[] = [];
      for (const piece of share.pieces) {
        const hash = known.get(piece) ?? (await sha256(piece));
        known.set(piece, hash);
        hashes.push(hash);
      }
      this.#candidates.push({ share, hashes, facts: factsOf(share, hashes) });
    }
  }

  /**
   * Goes on with all that came. `mayTry` is asked before each choice but the first of all, which is the only one where all
   * shares are good. Resolves to `undefined` if there is nothing more to try, or it may not.
   */
  async run(shares: Iterable<ChannelShare>, mayTry: () => boolean): Promise<Verdict | undefined> {
    await this.#take(shares);
    for (let trials = 1; !this.#found; trials++) {
      this.#next ??= this.#choices.next().value;
      if (!this.#next || (!this.#isFirst && !mayTry())) return undefined;
      const chosen = this.#next;
      [this.#next, this.#isFirst] = [undefined, false];
      if (await this.#fits(chosen)) this.#found = chosen;
      else if (trials % TRIALS_AT_A_TIME === 0) await pause(1);
    }
    return this.#verdict(this.#found);
  }

  /** Choices in the order of their last share; `undefined` where there is none before another share comes. */
  *#choicesOf(threshold: number): Generator<readonly number[] | undefined> {
    for (let last = threshold - 1; ; last++) {
      while (this.#candidates.length <= last) yield undefined;
      for (const others of subsets(last, threshold - 1)) yield [...others, last];
    }
  }

  /** Whether the tags of all that were chosen hold; that of the first one mostly tells. */
  async #fits(chosen: readonly number[]): Promise<boolean> {
    const some = chosen.map((at) => this.#candidates[at]!);
    if (!haveSameCopies(some)) return false;
    const key = await keyOf(some.map(({ share }) => share));
    if (!key) return false;
    for (const candidate of some) if (!(await this.#holds(key, candidate))) return false;
    return true;
  }

  async #holds(key: Uint8Array, { share, facts }: Candidate): Promise<boolean> {
    return equalBytes(share.tag, await tagOf(this.#crypto, key, facts));
  }

  async #verdict(found: readonly number[]): Promise<Verdict> {
    const some = found.map((at) => this.#candidates[at]!.share);
    const key = (await keyOf(some))!;
    const bad: number[] = [];
    for (const candidate of this.#candidates)
      if (!(await this.#holds(key, candidate))) bad.push(candidate.share.index);
    const secret = (await combinePieces(some[0]!, some))!;
    return { payload: secret.subarray(KEY_BYTES), bad };
  }
}

/** Tags cover the pieces of one share each, so they do not show that two shares hold different copies of one piece. */
function haveSameCopies(candidates: readonly Candidate[]): boolean {
  if (candidates[0]!.share.scheme === 'shamir') return true; // each has a piece of its own
  const copies: Uint8Array[] = [];
  return candidates.every(({ share, hashes }) =>
    slotsOf(share, share.index).every((slot, at) => {
      copies[slot] ??= hashes[at]!;
      return equalBytes(copies[slot], hashes[at]!);
    }),
  );
}

/** The first bytes of the secret need only the first bytes of the pieces. */
async function keyOf(shares: readonly ChannelShare[]): Promise<Uint8Array | undefined> {
  const [first] = shares as [ChannelShare];
  if (first.scheme === 'shamir')
    return valueAtZero(
      shares.map(({ pieces }) => pieces[0]!),
      KEY_BYTES,
    );
  const heads = shares.map(({ index, pieces }) => ({
    index,
    pieces: pieces.map((piece) => piece.subarray(0, KEY_BYTES)),
  }));
  return combinePieces(first, heads);
}
