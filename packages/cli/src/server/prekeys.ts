import { randomBytes } from 'node:crypto';
import type { Did, LimitStore, OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { ServerError } from './errors.js';

/** A public key and what its DID signed about it. The server checks neither: who uses it does. */
export interface SignedPrekey {
  readonly id: number;
  readonly key: string;
  readonly notAfter: number;
  readonly signature: string;
}

/** What a DID publishes beside its one-time keys. */
export interface PrekeyBundle {
  /** X25519. */
  readonly identity: string;
  readonly signedPrekey: SignedPrekey;
  /** ML-KEM-768, for when the one-time ones are used up. */
  readonly kem: SignedPrekey;
}

/** Keys that are handed out once: X25519, and ML-KEM-768 with a signature. */
export interface OneTimePrekey {
  readonly id: number;
  readonly key: string;
  readonly kem?: { readonly id: number; readonly key: string; readonly signature: string };
}

interface Batch {
  readonly name: string;
  /** The first one that was not handed out. */
  readonly next: number;
  readonly count: number;
}

interface Pool {
  readonly bundle: PrekeyBundle;
  readonly batches: readonly Batch[];
}

/** Keys of one DID that may wait. */
export const MAX_ONE_TIME = 1000;
/** One-time keys of one DID that one caller gets in an hour: else it could use them up. */
const PER_CALLER_AND_HOUR = 5;
const HOUR_MS = 3_600_000;

/**
 * Prekeys of DIDs that may be away when somebody writes to them. A one-time key is handed out once, also by several servers and over a
 * crash: its number is used up first, so that one may be lost, and never is given twice.
 */
export class PrekeyDirectory {
  readonly #pools: Documents<Pool>;
  readonly #keys: Documents<OneTimePrekey>;
  readonly #limits: LimitStore;

  constructor(store: OperationsStore, limits: LimitStore) {
    this.#pools = new Documents(store, 'prekeys');
    this.#keys = new Documents(store, 'prekey');
    this.#limits = limits;
  }

  /**
   * Replaces the bundle, and adds one-time keys; with `replace` those that wait are never handed out. Resolves to how many wait. Throws
   * `PREKEYS_UNKNOWN:FULL`.
   */
  async publish(
    did: Did,
    bundle: PrekeyBundle,
    oneTime: readonly OneTimePrekey[],
    replace = false,
  ): Promise<number> {
    assertRoom(replace ? 0 : await this.remaining(did), oneTime.length);
    const name = randomBytes(9).toString('base64url');
    for (const [at, key] of oneTime.entries()) await this.#keys.update(`${did}/${name}/${at}`, () => key);
    let dropped: readonly Batch[] = [];
    const pool = await this.#pools.update(did, (before) => {
      const waiting = (before?.batches ?? []).filter((batch) => batch.next < batch.count);
      dropped = replace ? waiting : [];
      const batches = replace ? [] : waiting;
      assertRoom(left({ batches }), oneTime.length);
      const added = oneTime.length === 0 ? [] : [{ name, next: 0, count: oneTime.length }];
      return { bundle, batches: [...batches, ...added] };
    });
    for (const batch of dropped)
      for (let at = batch.next; at < batch.count; at++)
        await this.#keys.removeIf(`${did}/${batch.name}/${at}`, () => true);
    return left(pool);
  }

  /** The bundle without a one-time key: uses up nothing. Throws `PREKEYS_UNKNOWN`. */
  async look(did: Did): Promise<PrekeyBundle> {
    const pool = await this.#pools.get(did);
    if (!pool) throw new ServerError('PREKEYS_UNKNOWN');
    return pool.bundle;
  }

  /** One-time keys that wait. */
  async remaining(did: Did): Promise<number> {
    return left((await this.#pools.get(did)) ?? { batches: [] });
  }

  /** The bundle, with a one-time key while there are some and the caller has not had its share. Throws `PREKEYS_UNKNOWN`. */
  async take(
    did: Did,
    caller: string,
  ): Promise<{ readonly bundle: PrekeyBundle; readonly oneTime?: OneTimePrekey }> {
    const pool = await this.#pools.get(did);
    if (!pool) throw new ServerError('PREKEYS_UNKNOWN');
    if (left(pool) === 0) return { bundle: pool.bundle };
    const { count } = await this.#limits.take(`prekeys ${caller} ${did}`, HOUR_MS);
    if (count > PER_CALLER_AND_HOUR) return { bundle: pool.bundle };
    const oneTime = await this.#useUp(did);
    return { bundle: pool.bundle, ...(oneTime ? { oneTime } : {}) };
  }

  async #useUp(did: Did): Promise<OneTimePrekey | undefined> {
    let mine: string | undefined;
    await this.#pools.update(did, (before) => {
      const [first, ...rest] = before?.batches.filter((batch) => batch.next < batch.count) ?? [];
      mine = first && `${did}/${first.name}/${first.next}`;
      return first ? { ...before!, batches: [{ ...first, next: first.next + 1 }, ...rest] } : before!;
    });
    if (mine === undefined) return undefined;
    const key = await this.#keys.get(mine);
    await this.#keys.removeIf(mine, () => true);
    return key;
  }
}

const left = ({ batches }: Pick<Pool, 'batches'>): number =>
  batches.reduce((sum, { next, count }) => sum + count - next, 0);

function assertRoom(there: number, more: number): void {
  if (there + more > MAX_ONE_TIME) throw new ServerError('PREKEYS_UNKNOWN:FULL', { field: 'oneTime' });
}
