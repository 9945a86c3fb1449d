import { createSuccession, type Did, Identity, type Succession } from '@private.me/xlink';
import { XidError } from '../errors.js';
import { Master } from '../master/master.js';
import { wipe } from '../util/bytes.js';
import { checkEpoch, EpochTimer, epochAt, overlapEnd } from './epochs.js';
import { type CheckedOptions, checkedOptions, type EphemeralIdentityOptions } from './options.js';
import { seedInfo } from './seed-info.js';
import { normalizeVerifier } from './verifier-id.js';

/** What waits for the next thread. */
interface Waiting {
  readonly info: Uint8Array;
  readonly resolve: (seed: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A person who is another one to each service and in each epoch. All identities are derived from one master seed, which exists in shares
 * only: 2 of 3 give it, one says nothing. It is put together in a thread of its own, for as long as the derivation takes.
 *
 * ```ts
 * const me = await EphemeralIdentity.create({ epochDurationMs: 86_400_000, splitConfig: { totalShares: 3, threshold: 2 } });
 * const a = await me.deriveForVerifier('https://a.example.com');
 * const b = await me.deriveForVerifier('https://b.example.com'); // nothing in it says that it is the same person
 * ```
 */
export class EphemeralIdentity {
  readonly #options: CheckedOptions;
  readonly #master: Master;
  readonly #timer: EpochTimer;
  readonly #listeners = new Set<(epoch: number) => void>();
  /** By verifier and epoch, those used last at the end. */
  readonly #kept = new Map<string, { readonly epoch: number; readonly identity: Promise<Identity> }>();
  #waiting: Waiting[] = [];
  #isClosed = false;

  private constructor(options: CheckedOptions, master: Master) {
    this.#options = options;
    this.#master = master;
    this.#timer = new EpochTimer(options.clock, options.epochDurationMs, (epoch) => this.#begin(epoch));
  }

  /**
   * Opens the master seed from its shares, or makes it where no backend holds one. Rejects with `INVALID_OPTION`, `SHARES_TOO_FEW`, or what a
   * backend is refused with; whether the shares fit is found out at the first derivation.
   */
  static async create(options: EphemeralIdentityOptions = {}): Promise<EphemeralIdentity> {
    const checked = checkedOptions(options);
    return new EphemeralIdentity(checked, await Master.open(checked));
  }

  /** The number of the epoch that it is now: whole `epochDurationMs` since 1970. */
  get epoch(): number {
    return epochAt(this.#options.clock(), this.#options.epochDurationMs);
  }

  /** How long an epoch is, in ms. */
  get epochDurationMs(): number {
    return this.#options.epochDurationMs;
  }

  /**
   * The DID for a service: its origin, its DID, or a display name (see {@link normalizeVerifier}), in this epoch or the one given. The whole identity
   * behind it is what {@link identityFor} gives. Rejects with `VERIFIER_INVALID`, `EPOCH_INVALID`, `IDENTITY_CLOSED`, `SHARE…` or `DERIVATION_FAILED`.
   */
  async deriveForVerifier(verifier: string, epoch?: number): Promise<Did> {
    return (await this.identityFor(verifier, epoch)).did;
  }

  /** The same with all of its keys: Ed25519, X25519, ML-KEM-768, and ML-DSA-65 unless `maxVersion` says otherwise. */
  async identityFor(verifier: string, epoch?: number): Promise<Identity> {
    if (this.#isClosed) throw new XidError('IDENTITY_CLOSED');
    const now = this.#timer.look();
    const place = { verifier: normalizeVerifier(verifier), epoch: checkEpoch(epoch ?? now) };
    const name = `${place.epoch} ${place.verifier}`;
    const kept = this.#kept.get(name) ?? { epoch: place.epoch, identity: this.#derive(place) };
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    kept.identity.catch(() => this.#kept.get(name) === kept && this.#kept.delete(name));
    if (this.#kept.size > this.#options.maxKept) this.#kept.delete(this.#kept.keys().next().value!);
    return kept.identity;
  }

  /**
   * A statement, signed by both, that the identity of one epoch is followed by that of a later one at the same service: by choice, for it links the two.
   * Nothing makes one by itself. Send it to the service, which checks it with `takeSuccession`. `from`, `to`: epochs; default the last one and this one.
   */
  async carryOver(
    verifier: string,
    { to = this.epoch, from = to - 1 }: { readonly from?: number; readonly to?: number } = {},
  ): Promise<Succession> {
    if (checkEpoch(from) >= checkEpoch(to)) throw new XidError('SUCCESSION_INVALID:ORDER', { field: 'to' });
    const [older, newer] = await Promise.all([
      this.identityFor(verifier, from),
      this.identityFor(verifier, to),
    ]);
    return createSuccession(older, newer, { overlapMs: 0, clock: this.#options.clock });
  }

  /**
   * Called with its number when an epoch begins, until the returned function is called: by a timer that keeps no process alive, or by the first call after that.
   */
  onEpoch(listener: (epoch: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Until when the identity of an epoch counts at services, in ms since 1970: for one more epoch, so that what is under way arrives. */
  endOf(epoch: number): number {
    return overlapEnd(checkEpoch(epoch), this.#options.epochDurationMs);
  }

  /** Forgets all identities and stops the timer. Shares stay where they are. */
  close(): void {
    this.#isClosed = true;
    this.#timer.stop();
    this.#kept.clear();
    this.#listeners.clear();
  }

  /** What is over is forgotten: nothing here can sign as it any more, unless it is derived again. */
  #begin(epoch: number): void {
    for (const [name, kept] of this.#kept) if (kept.epoch < epoch - 1) this.#kept.delete(name);
    for (const listener of this.#listeners) {
      try {
        listener(epoch);
      } catch {
        // a listener that fails concerns nobody else
      }
    }
  }

  async #derive(place: { readonly verifier: string; readonly epoch: number }): Promise<Identity> {
    const { device, maxVersion } = this.#options;
    const seed = await this.#seed(seedInfo({ ...place, device }));
    try {
      return await Identity.fromSeed(seed, { maxVersion });
    } finally {
      wipe(seed);
    }
  }

  /** What is asked for at the same time is derived by one thread: the seed is put together once. */
  #seed(info: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ info, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => void this.#deriveAll());
    });
  }

  async #deriveAll(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const seeds = await this.#master.derive(waiting.map(({ info }) => info));
      for (const [at, { resolve }] of waiting.entries()) resolve(seeds[at]!);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
