import { randomBytes, randomInt } from 'node:crypto';
import { MeshError } from '../../errors/mesh-error.js';
import { equalBytes } from '../../util/bytes.js';
import type { Kem } from '../crypto/kem.js';
import { type KeyPair, keyPairOf, newKeyPair } from '../crypto/primitives.js';
import type { Records } from '../state/records.js';
import type { OneTimePrekey, PrekeyDirectory, Publication, SignedPrekey } from './bundle.js';
import { type PrekeyKind, prekeyStatement, type Sign, signBatch, toText } from './signed.js';

/** A signed prekey with its private half: an X25519 secret, or the seed of an ML-KEM-768 key. */
interface OwnSigned {
  readonly id: number;
  readonly secret: Uint8Array;
  readonly key: Uint8Array;
  readonly notAfter: number;
  readonly signature: Uint8Array;
}

interface OwnOneTime {
  readonly id: number;
  readonly x25519: Uint8Array;
  /** Seed of the ML-KEM-768 key, 64 bytes. */
  readonly kem: Uint8Array;
  readonly notAfter: number;
  /** Whether it is no longer in the directory, whoever has it. */
  readonly withdrawn?: boolean;
}

/** The private halves of everything that was published. */
export interface PoolRecord {
  readonly next: number;
  /** Newest first. */
  readonly signed: readonly OwnSigned[];
  /** Newest first. */
  readonly lastResort: readonly OwnSigned[];
  readonly oneTime: readonly OwnOneTime[];
  /** Sessions that began without a one-time key: they begin once. */
  readonly begun: readonly { readonly session: Uint8Array; readonly until: number }[];
  /** Whether what is in the directory has to be replaced: its private halves are not here. */
  readonly replace: boolean;
}

/** The keys that a first message names. */
export interface NamedKeys {
  readonly signedPrekey: number;
  readonly kem: number;
  readonly lastResort: boolean;
  readonly oneTime: boolean;
}

/** The private halves of these. */
export interface PrivateKeys {
  readonly signedPrekey: KeyPair;
  readonly kem: Uint8Array;
  readonly oneTime?: Uint8Array;
}

/** How prekeys are made. */
export interface PoolOptions {
  readonly did: string;
  readonly identity: Uint8Array;
  readonly records: Records<PoolRecord>;
  readonly directory: PrekeyDirectory;
  readonly kem: Kem;
  readonly sign: Sign;
  readonly clock: () => number;
  /** One-time keys that wait once it is full. */
  readonly poolSize: number;
  /** Share of them that has to be used before it is filled up. */
  readonly refreshThreshold: number;
  /** How long a signed prekey is current, in ms. */
  readonly rotationMs: number;
}

const DAY_MS = 86_400_000;
/** Private halves are kept so long after their rotation: for messages under way. */
const KEPT_MS = 14 * DAY_MS;
/** How long a one-time key is good. */
const ONE_TIME_MS = 28 * DAY_MS;
/** So long before that those that still wait are replaced. */
const ENDING_MS = 7 * DAY_MS;
/** Numbers begin anywhere, so that those of lost keys do not come again. */
const emptyPool = (): PoolRecord => ({
  ...{ next: randomInt(1, 2 ** 31), signed: [], lastResort: [], oneTime: [], begun: [], replace: true },
});

/** The own prekeys: made, published, filled up, rotated, used up and forgotten. */
export class PrekeyPool {
  readonly #options: PoolOptions;
  readonly #id: string;
  #waiting: number | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#id = `signal/${options.did}/prekeys`;
  }

  /** Share of the one-time keys that is used, 0 to 1, as the directory last said; `undefined` before that. */
  get utilization(): number | undefined {
    if (this.#waiting === undefined) return undefined;
    return Math.max(0, 1 - this.#waiting / this.#options.poolSize);
  }

  /** One-time keys that wait, as the directory last said. */
  get waiting(): number | undefined {
    return this.#waiting;
  }

  /**
   * Rotates what is due, forgets what is over, and fills up the directory. The private halves are written before their public ones are
   * published. Resolves to what was published, or `undefined`.
   */
  async maintain(): Promise<
    { readonly waiting: number; readonly replaced: boolean; readonly lost: boolean } | undefined
  > {
    const { records, directory, clock, poolSize, refreshThreshold, rotationMs } = this.#options;
    this.#waiting = await directory.count();
    const used = poolSize - this.#waiting;
    const now = clock();
    const made = await records.change(this.#id, async (before, lost) => {
      const old = before ?? emptyPool();
      const current = old.signed[0];
      const isDue = !current || current.notAfter - now <= KEPT_MS;
      const isEnding = old.oneTime.some((one) => !one.withdrawn && one.notAfter - now < ENDING_MS);
      const replace = old.replace || isEnding;
      const isUsed = used >= poolSize * refreshThreshold;
      if (!isDue && !replace && !isUsed) return { result: undefined };
      const fresh = await this.#refreshed(old, now, isDue ? now + rotationMs + KEPT_MS : undefined);
      const batch = await this.#batch(fresh.next, replace ? poolSize : isUsed ? used : 0, now);
      const value: PoolRecord = {
        ...fresh,
        next: fresh.next + batch.own.length,
        oneTime: [...fresh.oneTime.map((one) => (replace ? { ...one, withdrawn: true } : one)), ...batch.own],
        replace: false,
      };
      return { value, result: { value, published: batch.published, replace, lost } };
    });
    if (!made) return undefined;
    await this.#publish(made.value, made.published, made.replace);
    return { waiting: this.#waiting, replaced: made.replace, lost: made.lost };
  }

  /** The private halves that a first message needs; `undefined`: one is not there any more. */
  async find(named: NamedKeys): Promise<PrivateKeys | undefined> {
    const pool = await this.#stored();
    if (!pool) return undefined;
    const { signed, lastResort, oneTime } = pool;
    const now = this.#options.clock();
    const prekey = signed.find(({ id, notAfter }) => id === named.signedPrekey && now < notAfter);
    const once = oneTime.find(({ id }) => id === named.kem);
    const kem = named.lastResort
      ? lastResort.find(({ id, notAfter }) => id === named.kem && now < notAfter)?.secret
      : once?.kem;
    if (!prekey || !kem || (named.oneTime && !once) || named.oneTime === named.lastResort) return undefined;
    return {
      signedPrekey: keyPairOf(prekey.secret),
      kem,
      ...(named.oneTime ? { oneTime: once!.x25519 } : {}),
    };
  }

  /** Forgets all private halves: everything is made and published anew the next time. */
  async discard(): Promise<void> {
    await this.#options.records.change(this.#id, async (before) => ({
      value: { ...emptyPool(), begun: before?.begun ?? [] },
      result: undefined,
    }));
  }

  /** Whether a session that needed no one-time key has begun before. */
  async hasBegun(session: Uint8Array): Promise<boolean> {
    const pool = await this.#stored();
    return pool?.begun.some((one) => equalBytes(one.session, session)) ?? false;
  }

  /** As it is in the store: another process may have used keys up, or made new ones. */
  async #stored(): Promise<PoolRecord | undefined> {
    const { records } = this.#options;
    records.forget(this.#id);
    const loaded = await records.load(this.#id);
    return 'held' in loaded ? loaded.held.value : undefined;
  }

  /** After a session was written: its one-time key is gone, or its beginning remembered. */
  async useUp({ kem, lastResort }: NamedKeys, session: Uint8Array): Promise<void> {
    const { records, clock, rotationMs } = this.#options;
    await records.change(this.#id, async (before) => {
      if (!before) return { result: undefined };
      const isThere = lastResort
        ? !before.begun.some((one) => equalBytes(one.session, session))
        : before.oneTime.some(({ id }) => id === kem);
      if (!isThere) return { result: undefined };
      const until = clock() + rotationMs + 2 * KEPT_MS;
      const value = lastResort
        ? { ...before, begun: [...before.begun, { session, until }] }
        : { ...before, oneTime: before.oneTime.filter(({ id }) => id !== kem) };
      return { value, result: undefined };
    });
  }

  async #publish(value: PoolRecord, oneTime: readonly OneTimePrekey[], replace: boolean): Promise<void> {
    const { directory, identity, records } = this.#options;
    const publication: Publication = {
      identity: toText(identity),
      signedPrekey: publicHalf(value.signed[0]!),
      kem: publicHalf(value.lastResort[0]!),
      oneTime,
      ...(replace ? { replace } : {}),
    };
    try {
      this.#waiting = await directory.publish(publication);
    } catch (error) {
      // What was not published is not used; the next time all of it is replaced.
      await records.change(this.#id, async (before) => ({
        ...(before ? { value: { ...before, replace: true } } : {}),
        result: undefined,
      }));
      throw error;
    }
  }

  /** Without what is over, and with new signed prekeys if `notAfter` is given. */
  async #refreshed(old: PoolRecord, now: number, notAfter: number | undefined): Promise<PoolRecord> {
    const kept = {
      ...old,
      signed: old.signed.filter((one) => now < one.notAfter),
      lastResort: old.lastResort.filter((one) => now < one.notAfter),
      oneTime: old.oneTime.filter((one) => now < one.notAfter + KEPT_MS),
      begun: old.begun.filter(({ until }) => now < until),
    };
    if (notAfter === undefined) return kept;
    const pair = newKeyPair();
    const kem = await this.#options.kem.newPair();
    const { next } = old;
    const signed = await this.#signed('x25519', next, pair.secret, pair.public, notAfter);
    const last = await this.#signed('ml-kem-768 last resort', next + 1, kem.seed, kem.public, notAfter);
    return {
      ...kept,
      next: next + 2,
      signed: [signed, ...kept.signed],
      lastResort: [last, ...kept.lastResort],
    };
  }

  async #signed(
    kind: PrekeyKind,
    id: number,
    secret: Uint8Array,
    key: Uint8Array,
    notAfter: number,
  ): Promise<OwnSigned> {
    const { sign, identity } = this.#options;
    return {
      id,
      secret,
      key,
      notAfter,
      signature: await sign(prekeyStatement(kind, { id, notAfter }, identity, key)),
    };
  }

  async #batch(first: number, count: number, now: number) {
    const { kem, identity, sign } = this.#options;
    const own: OwnOneTime[] = [];
    const raw = [];
    const notAfter = now + ONE_TIME_MS;
    for (let id = first; id < first + count; id++) {
      const pair = newKeyPair();
      const kemPair = await kem.newPair(new Uint8Array(randomBytes(64)));
      own.push({ id, x25519: pair.secret, kem: kemPair.seed, notAfter });
      raw.push({ id, x25519: pair.public, kem: kemPair.public });
    }
    return { own, published: raw.length > 0 ? await signBatch(raw, identity, notAfter, sign) : [] };
  }
}

const publicHalf = ({ id, key, notAfter, signature }: OwnSigned): SignedPrekey => ({
  ...{ id, key: toText(key), notAfter, signature: toText(signature) },
});

/** Throws `SIGNAL_PREKEY_UNKNOWN` where there are none. */
export function assertFound(keys: PrivateKeys | undefined): PrivateKeys {
  if (!keys) throw new MeshError('SIGNAL_PREKEY_UNKNOWN');
  return keys;
}
