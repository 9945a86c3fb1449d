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
  /** Since when its keys are being written or removed, in ms since 1970: they count for the limit, and none is handed out. Absent: they are all there. */
  readonly writtenSince?: number;
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
/** A batch that is still being written after this time was left by a server that ended. Longer than any store takes. */
const LEFT_AFTER_MS = 600_000;

/**
 * Prekeys of DIDs that may be away when somebody writes to them. A one-time key is handed out once, also by several servers and over a
 * crash: its number is used up first, so that one may be lost, and never is given twice.
 */
export class PrekeyDirectory {
  readonly #pools: Documents<Pool>;
  readonly #keys: Documents<OneTimePrekey>;
  readonly #limits: LimitStore;
  readonly #clock: () => number;

  constructor(store: OperationsStore, limits: LimitStore, clock: () => number = Date.now) {
    this.#clock = clock;
    this.#pools = new Documents(store, 'prekeys');
    this.#keys = new Documents(store, 'prekey');
    this.#limits = limits;
  }

  /**
   * Replaces the bundle, and adds one-time keys; with `replace` those that wait are never handed out. Resolves to how many wait. Room is taken
   * before anything is written, so that of any number of calls at once none writes what there is no room for. Throws `PREKEYS_UNKNOWN:FULL`.
   */
  async publish(
    did: Did,
    bundle: PrekeyBundle,
    oneTime: readonly OneTimePrekey[],
    replace = false,
  ): Promise<number> {
    await this.#clean(did, LEFT_AFTER_MS);
    const name = randomBytes(9).toString('base64url');
    const now = this.#clock();
    const added: Batch = { name, next: 0, count: oneTime.length, writtenSince: now };
    let replaced: readonly Batch[] = [];
    const reserved = await this.#pools.update(did, (before) => {
      const waiting = (before?.batches ?? []).filter((batch) => batch.next < batch.count);
      replaced = replace ? waiting.filter(isOpen) : [];
      const kept = waiting.map((batch) =>
        replaced.includes(batch) ? { ...batch, writtenSince: now } : batch,
      );
      assertRoom(taken(kept) - taken(replaced), oneTime.length);
      return { bundle, batches: oneTime.length === 0 ? kept : [...kept, added] };
    });
    for (const batch of replaced) await this.#drop(did, batch);
    if (oneTime.length === 0) return left(reserved);
    try {
      for (const [at, key] of oneTime.entries()) await this.#keys.update(`${did}/${name}/${at}`, () => key);
    } catch (error) {
      await this.#drop(did, added).catch(() => {}); // if not now, then by the next call, or the next start
      throw error;
    }
    const { writtenSince: _, ...whole } = added;
    const pool = await this.#pools.update(did, (before) => ({
      bundle: before?.bundle ?? bundle,
      batches: (before?.batches ?? []).map((batch) => (batch.name === name ? whole : batch)),
    }));
    return left(pool);
  }

  /** The bundle without a one-time key: uses up nothing. Throws `PREKEYS_UNKNOWN`. */
  async look(did: Did): Promise<PrekeyBundle> {
    const pool = await this.#pools.get(did);
    if (!pool) throw new ServerError('PREKEYS_UNKNOWN');
    return pool.bundle;
  }

  /** At the start: what servers left that ended in the midst of writing. `isAlone`: no other server is writing now. */
  async clean(isAlone: boolean): Promise<void> {
    for (const did of (await this.#pools.all()).keys()) await this.#clean(did, isAlone ? 0 : LEFT_AFTER_MS);
  }

  async #clean(did: Did, olderThanMs: number): Promise<void> {
    const until = this.#clock() - olderThanMs;
    for (const batch of (await this.#pools.get(did))?.batches ?? [])
      if (batch.writtenSince !== undefined && batch.writtenSince <= until) await this.#drop(did, batch);
  }

  /** Keys go first: as long as there are some, the batch says where. */
  async #drop(did: Did, { name, count }: Batch): Promise<void> {
    for (let at = 0; at < count; at++) await this.#keys.removeIf(`${did}/${name}/${at}`, () => true);
    await this.#pools.update(did, (before) => {
      if (!before) throw new ServerError('PREKEYS_UNKNOWN');
      return { ...before, batches: before.batches.filter((batch) => batch.name !== name) };
    });
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
      const first = before?.batches.find(isOpen);
      mine = first && `${did}/${first.name}/${first.next}`;
      if (!first) return before!;
      const after = before!.batches.map((batch) =>
        batch === first ? { ...batch, next: batch.next + 1 } : batch,
      );
      return { ...before!, batches: after.filter((batch) => batch.next < batch.count) };
    });
    if (mine === undefined) return undefined;
    const key = await this.#keys.get(mine);
    await this.#keys.removeIf(mine, () => true);
    return key;
  }
}

/** Keys can be handed out of it. */
const isOpen = ({ next, count, writtenSince }: Batch): boolean => writtenSince === undefined && next < count;

/** For which there is no room any more. */
const taken = (batches: readonly Batch[]): number =>
  batches.reduce((sum, { next, count }) => sum + count - next, 0);

const left = ({ batches }: Pick<Pool, 'batches'>): number => taken(batches.filter(isOpen));

function assertRoom(there: number, more: number): void {
  if (there + more > MAX_ONE_TIME) throw new ServerError('PREKEYS_UNKNOWN:FULL', { field: 'oneTime' });
}
