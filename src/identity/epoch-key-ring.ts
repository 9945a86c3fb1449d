import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { Clock } from '../types/protocol.js';
import { pause } from '../util/backoff.js';
import { KeyedMutex } from '../util/keyed-mutex.js';
import { tell } from '../util/tell.js';
import {
  derivedKeyRing,
  type EncryptionKeys,
  type KeyEpochStatus,
  type KeyRing,
  REREAD_MS,
  type RotatingKeyRing,
} from './encryption-keys.js';
import type { Identity } from './identity.js';
import type { KeyStore, StoredEpoch, StoredEpochs } from './key-store.js';
import { KnownEpochs, type StoredState } from './known-epochs.js';
import { openEpoch, sealNewEpoch } from './sealed-epoch.js';
import { WrappingKeyIds } from './wrapping-key-ids.js';

export interface EpochOptions {
  readonly clock: Clock;
  /** How long an epoch is the published one, in ms. */
  readonly rotationMs: number;
  /** How long senders may go on using an epoch after it was replaced, in ms: their caches, and records they hold. */
  readonly overlapMs: number;
  /** How long after that a message may still arrive, in ms: greatest age, window and slow bodies. */
  readonly lateMs: number;
  /** The highest epoch that was published; 0 if none was. A store that is behind it is not started with. */
  readonly published?: () => PromiseLike<number>;
  /** Told each time the store was asked in vain, also where an instance goes on with what it has. */
  readonly onFailure?: (error: XlinkError) => void;
}

/** Losing so often in a row to other instances is not chance any more. */
const MAX_ATTEMPTS = 20;
/** An epoch that begins later than this, in ms, was made by a clock that was ahead: it is replaced. */
const MAX_AHEAD_MS = 300_000;

/**
 * Encryption keys by epoch, in a store that all instances of a service share: random, replaced on schedule, and erased once
 * nothing sealed to them is taken any more. Instances compete for a rotation by compare-and-set; one wins, all follow. While
 * the store is away, each goes on with what it has opened, until that is over.
 */
export class EpochKeyRing implements RotatingKeyRing {
  readonly rotation = this;
  readonly #identity: Identity;
  readonly #options: EpochOptions;
  readonly #derived: KeyRing;
  readonly #known: KnownEpochs;
  readonly #listeners = new Set<(status: KeyEpochStatus) => void>();
  readonly #mutex = new KeyedMutex<EpochKeyRing>();
  readonly #opened = new Map<number, EncryptionKeys>();
  readonly #opening = new Map<number, Promise<EncryptionKeys>>();
  #ids: WrappingKeyIds | undefined;
  #started: Promise<void> | undefined;
  #upkeep: Promise<void> | undefined;
  #fresh: Promise<void> | undefined;

  constructor(identity: Identity, store: KeyStore, options: EpochOptions) {
    this.#identity = identity;
    this.#options = options;
    this.#derived = derivedKeyRing(identity);
    const { clock, onFailure } = options;
    const onNewest = () => {
      for (const listener of this.#listeners) tell(listener, this.status!);
    };
    this.#known = new KnownEpochs({ did: identity.did, store, clock, onFailure, onNewest });
  }

  /** Calls the listener with the published epoch, now if it is known, and with each that takes its place, until the returned function is called. */
  onChange(listener: (status: KeyEpochStatus) => void): () => void {
    const own = (status: KeyEpochStatus) => listener(status);
    this.#listeners.add(own);
    if (this.status) tell(own, this.status);
    return () => this.#listeners.delete(own);
  }

  /** The published epoch, as far as this instance has seen; `undefined` before the first use. */
  get status(): KeyEpochStatus | undefined {
    const newest = this.#known.newest;
    if (!newest) return undefined;
    const { keyEpoch, notBefore } = newest;
    return { keyEpoch, since: notBefore, rotatesAt: notBefore + this.#options.rotationMs };
  }

  /** The highest epoch there ever was; 0 before the first. Reads the store. */
  async highest(): Promise<number> {
    await this.#known.read();
    return this.#known.value.highest;
  }

  /** When something is to be done by {@link EpochKeyRing.maintain}, in ms since 1970; `undefined` before the first use. */
  get dueAt(): number | undefined {
    const { status } = this;
    return status && Math.min(status.rotatesAt, ...this.#known.value.epochs.map((one) => one.eraseAfter + 1));
  }

  async current(): Promise<EncryptionKeys> {
    try {
      await this.#start();
      if (this.#known.age >= REREAD_MS) {
        this.#known.assertNotFailing();
        await this.#known.read();
      }
      if (this.#isDue) await this.#write(() => this.#rotateIf(() => this.#isDue));
      return await this.#open(this.#known.newest!);
    } catch (error) {
      const held = this.#held();
      if (!held) throw error;
      return held;
    }
  }

  /** A new epoch now, whatever the schedule says: made by this call, or by another instance after it began. */
  async rotate(): Promise<EncryptionKeys> {
    await this.#start();
    await this.#known.read();
    const before = this.#known.value.highest;
    await this.#write(() => this.#rotateIf(() => this.#known.value.highest === before));
    return this.#open(this.#known.newest!);
  }

  async find(keyEpoch: number): Promise<EncryptionKeys | undefined> {
    await this.#start();
    this.#forgetErased();
    this.#maintainSoon();
    if (keyEpoch === 0)
      return this.#options.clock() <= this.#known.value.derivedUntil ? this.#derived.find(0) : undefined;
    const opened = this.#opened.get(keyEpoch);
    if (opened) return opened;
    // Numbers only rise: one below the highest that is not there was erased, or never was.
    if (keyEpoch > this.#known.value.highest) await this.#readAgain();
    const stored = this.#known.of(keyEpoch);
    if (stored && !this.#isOver(stored)) return this.#open(stored);
    // While the store is away and nothing is published any more, there is nothing that the sender could use instead.
    if (!this.#held()) await this.maintain();
    return undefined;
  }

  /** Rotates what is due, and erases what is over: from memory at once, also while the store is away. Throws `KEY_STORE_…`. */
  maintain(): Promise<void> {
    this.#upkeep ??= this.#maintain().finally(() => {
      this.#upkeep = undefined;
    });
    return this.#upkeep;
  }

  async #maintain(): Promise<void> {
    this.#forgetErased();
    await this.#start();
    this.#known.assertNotFailing();
    await this.#known.read();
    if (this.#isDue) await this.#write(() => this.#rotateIf(() => this.#isDue));
    if (this.#known.value.epochs.some(this.#isOver)) await this.#write(() => this.#erase());
    this.#forgetErased();
    if (this.#known.newest) await this.#open(this.#known.newest);
  }

  #maintainSoon(): void {
    const { dueAt } = this;
    if (
      this.#upkeep ||
      this.#known.isFailing ||
      (!this.#isDue && (dueAt === undefined || this.#options.clock() < dueAt))
    )
      return;
    this.maintain().catch(() => {}); // who needs it hears of it
  }

  /** Before the first use: what is there is at least what was published, and if there is nothing, it is made. */
  #start(): Promise<void> {
    this.#started ??= this.#begin().catch((error) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  async #begin(): Promise<void> {
    this.#known.assertNotFailing();
    this.#ids ??= await WrappingKeyIds.of(this.#identity);
    const published = (await this.#options.published?.()) ?? 0;
    await this.#known.read();
    if (this.#known.value.highest < published)
      throw xlinkError('KEY_STORE_ROLLED_BACK', { field: 'keyStore' });
    if (!this.#known.newest) await this.#write(() => this.#rotateIf(() => this.#known.newest === undefined));
  }

  get #isDue(): boolean {
    const { status } = this;
    const now = this.#options.clock();
    return !status || now >= status.rotatesAt || status.since > now + MAX_AHEAD_MS;
  }

  #isOver = ({ eraseAfter }: StoredEpoch): boolean => this.#options.clock() > eraseAfter;

  /** The newest keys that are open and may still be sealed to. */
  #held(): EncryptionKeys | undefined {
    this.#forgetErased();
    const now = this.#options.clock();
    const usable = [...this.#opened.values()].filter(({ notAfter }) => now <= notAfter);
    return usable.sort((a, b) => a.keyEpoch - b.keyEpoch).at(-1);
  }

  /** By a read that begins now or later, and once a second, however many ask: another instance may have rotated. */
  #readAgain(): Promise<void> {
    this.#known.assertNotFailing();
    this.#fresh ??= pause(REREAD_MS - this.#known.age).then(() => {
      this.#fresh = undefined;
      return this.#known.read();
    });
    return this.#fresh;
  }

  #write<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(this, work);
  }

  /** One wins; who loses takes what the other made. The key is committed before anything is sealed to it. */
  async #rotateIf(isWanted: () => boolean): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      await this.#known.read();
      if (!isWanted()) return;
      const { state } = this.#known;
      const next = await this.#make(state);
      await this.#destroyOver(state);
      const isSaved = await this.#known.save(this.#with(state, next), state);
      if (!isSaved) await this.#known.read();
      // Read again, for a store may say no to what it wrote, if its client sent it twice.
      const isOurs = isSaved || this.#known.of(next.keyEpoch)?.wrappingKey === next.wrappingKey;
      this.#forgetErased();
      await this.#destroyOrphans().catch(() => {}); // the next rotation does it
      if (isOurs) return;
    }
    throw this.#lost();
  }

  #with({ value: { did, epochs, derivedUntil } }: StoredState, next: StoredEpoch): StoredEpochs {
    const { overlapMs, lateMs } = this.#options;
    return {
      did,
      epochs: [...epochs.filter((one) => !this.#isOver(one)), next],
      highest: next.keyEpoch,
      derivedUntil: derivedUntil || next.notBefore + overlapMs + lateMs,
    };
  }

  async #make({ value: { epochs, highest } }: StoredState): Promise<StoredEpoch> {
    const { clock, rotationMs, overlapMs, lateMs } = this.#options;
    const notBefore = clock();
    const notAfter = notBefore + rotationMs + overlapMs;
    // Number and record rise, whatever the clock does, and however often a rotation was begun and not ended.
    const used = (await this.#wrappingKeyIds()).map(([, keyEpoch]) => keyEpoch);
    const keyEpoch = Math.max(highest, ...used) + 1;
    const recordEpoch = Math.max(Math.floor(notBefore / 1000), epochs.at(-1)?.recordEpoch ?? 0) + 1;
    const head = { keyEpoch, recordEpoch, notBefore, notAfter, eraseAfter: notAfter + lateMs };
    const wrapping = this.#identity.crypto.randomBytes(32);
    const wrappingKey = this.#ids!.make(keyEpoch);
    const sealed = await sealNewEpoch(this.#identity, head, wrapping);
    await this.#known.ask(({ wrappingKeys }) => wrappingKeys.put(wrappingKey, wrapping));
    wrapping.fill(0);
    return { ...head, wrappingKey, sealed };
  }

  /** Once, however many ask. */
  #open(stored: StoredEpoch): Promise<EncryptionKeys> {
    const { keyEpoch } = stored;
    const opened = this.#opened.get(keyEpoch);
    if (opened) return Promise.resolve(opened);
    const opening =
      this.#opening.get(keyEpoch) ?? this.#unwrap(stored).finally(() => this.#opening.delete(keyEpoch));
    this.#opening.set(keyEpoch, opening);
    return opening;
  }

  async #unwrap(stored: StoredEpoch): Promise<EncryptionKeys> {
    this.#known.assertNotFailing();
    const wrapping = await this.#known.ask(({ wrappingKeys }) => wrappingKeys.get(stored.wrappingKey));
    if (!wrapping) throw xlinkError('KEY_STORE_DAMAGED', { field: 'wrappingKeys' });
    const keys = await openEpoch(this.#identity, stored, wrapping);
    wrapping.fill(0);
    if (this.#known.of(stored.keyEpoch)) this.#opened.set(stored.keyEpoch, keys); // it may have been erased meanwhile
    return keys;
  }

  #forgetErased(): void {
    for (const keyEpoch of this.#opened.keys()) {
      const stored = this.#known.of(keyEpoch);
      if (!stored || this.#isOver(stored)) this.#opened.delete(keyEpoch);
    }
  }

  /** An epoch stays in the list until its wrapping key is destroyed: what a crash leaves undone is done the next time. */
  async #erase(): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const { state } = this.#known;
      const epochs = state.value.epochs.filter((one) => !this.#isOver(one));
      if (epochs.length === state.value.epochs.length) return;
      await this.#destroyOver(state);
      if (await this.#known.save({ ...state.value, epochs }, state)) return;
      await this.#known.read();
    }
    throw this.#lost();
  }

  async #destroyOver({ value }: StoredState): Promise<void> {
    for (const one of value.epochs.filter(this.#isOver)) await this.#destroy(one.wrappingKey);
  }

  /**
   * Keys of rotations that were begun and never committed. None that another instance is about to commit is among them: its
   * number is above the highest.
   */
  async #destroyOrphans(): Promise<void> {
    const { epochs, highest } = this.#known.value;
    const used = new Set(epochs.map((one) => one.wrappingKey));
    for (const [id, keyEpoch] of await this.#wrappingKeyIds())
      if (keyEpoch <= highest && !used.has(id)) await this.#destroy(id);
  }

  #destroy(id: string): Promise<void> {
    return this.#known.ask(({ wrappingKeys }) => wrappingKeys.destroy(id));
  }

  /** Those of this identity, with their epochs. */
  async #wrappingKeyIds(): Promise<[id: string, keyEpoch: number][]> {
    const ids = await this.#known.ask(({ wrappingKeys }) => wrappingKeys.ids());
    return ids.flatMap((id) => {
      const keyEpoch = this.#ids!.epochOf(id);
      return keyEpoch === undefined ? [] : [[id, keyEpoch] as [string, number]];
    });
  }

  #lost(): XlinkError {
    const cause = new Error(`Other instances were faster ${MAX_ATTEMPTS} times.`);
    return xlinkError('KEY_STORE_UNAVAILABLE', { cause });
  }
}
