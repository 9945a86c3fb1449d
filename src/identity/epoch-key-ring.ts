import { xlinkError } from '../errors/errors.js';
import type { Clock } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { KeyedMutex } from '../util/keyed-mutex.js';
import { derivedKeyRing, type EncryptionKeys, type KeyRing } from './encryption-keys.js';
import type { Identity } from './identity.js';
import type { KeyStore, StoredEpoch, StoredEpochs } from './key-store.js';
import { openEpoch, sealNewEpoch } from './sealed-epoch.js';

export interface EpochOptions {
  readonly clock: Clock;
  /** How long an epoch is the published one, in ms. */
  readonly rotationMs: number;
  /** How long senders may go on using an epoch after it was replaced, in ms: their caches, and records they hold. */
  readonly overlapMs: number;
  /** How long after that a message may still arrive, in ms: greatest age, window and slow bodies. */
  readonly lateMs: number;
}

/** An unknown epoch makes the store be read again, not more often than once in this time. */
const REREAD_MS = 1000;
/** Losing so often in a row to other instances is not chance any more. */
const MAX_ATTEMPTS = 20;

const EMPTY: StoredEpochs = { epochs: [], highest: 0, derivedUntil: 0 };

/**
 * Encryption keys by epoch, in a store that all instances of a service share: random, replaced on schedule, and erased once
 * nothing sealed to them is taken any more. Instances compete for a rotation by compare-and-set; one wins, all follow.
 */
export class EpochKeyRing implements KeyRing {
  readonly #identity: Identity;
  readonly #store: KeyStore;
  readonly #options: EpochOptions;
  readonly #derived: KeyRing;
  readonly #mutex = new KeyedMutex<EpochKeyRing>();
  readonly #opened = new Map<number, EncryptionKeys>();
  #known: { readonly value: StoredEpochs; readonly version: number } = { value: EMPTY, version: 0 };
  #readAt = -Infinity;

  constructor(identity: Identity, store: KeyStore, options: EpochOptions) {
    this.#identity = identity;
    this.#store = store;
    this.#options = options;
    this.#derived = derivedKeyRing(identity);
  }

  /** When the published epoch is replaced, in ms since 1970; `undefined` before the first use. */
  get rotatesAt(): number | undefined {
    const newest = this.#newest;
    return newest && newest.notBefore + this.#options.rotationMs;
  }

  /** The highest epoch there ever was; 0 before the first. */
  async highest(): Promise<number> {
    await this.#read();
    return this.#known.value.highest;
  }

  async current(): Promise<EncryptionKeys> {
    if (this.#isDue) await this.#mutex.run(this, async () => this.#rotateIf(() => this.#isDue));
    return this.#open(this.#newest!);
  }

  /** A new epoch now, whatever the schedule says. */
  async rotate(): Promise<EncryptionKeys> {
    const before = this.#known.value.highest;
    await this.#mutex.run(this, async () => this.#rotateIf(() => this.#known.value.highest === before));
    return this.#open(this.#newest!);
  }

  async find(keyEpoch: number): Promise<EncryptionKeys | undefined> {
    this.#forgetErased();
    const now = this.#options.clock();
    if (keyEpoch === 0) {
      if (this.#readAt === -Infinity) await this.#read();
      return now <= this.#known.value.derivedUntil ? this.#derived.find(0) : undefined;
    }
    const opened = this.#opened.get(keyEpoch);
    if (opened) return opened;
    if (!this.#stored(keyEpoch) && Math.abs(now - this.#readAt) >= REREAD_MS) await this.#read();
    const stored = this.#stored(keyEpoch);
    return stored && now <= stored.eraseAfter ? this.#open(stored) : undefined;
  }

  get #newest(): StoredEpoch | undefined {
    return this.#known.value.epochs.at(-1);
  }

  get #isDue(): boolean {
    const due = this.rotatesAt;
    return due === undefined || this.#options.clock() >= due;
  }

  #stored(keyEpoch: number): StoredEpoch | undefined {
    return this.#known.value.epochs.find((one) => one.keyEpoch === keyEpoch);
  }

  async #read(): Promise<void> {
    const found = await available(() => this.#store.load());
    this.#known = found ?? { value: EMPTY, version: 0 };
    this.#readAt = this.#options.clock();
  }

  /** One wins; who loses takes what the other made. The key is committed before anything is sealed to it. */
  async #rotateIf(isWanted: () => boolean): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      await this.#read();
      if (!isWanted()) return;
      const next = await this.#make();
      const erased = this.#known.value.epochs.filter((one) => this.#isOver(one));
      const epochs = [...this.#known.value.epochs.filter((one) => !this.#isOver(one)), next];
      const { derivedUntil } = this.#known.value;
      const value: StoredEpochs = {
        epochs,
        highest: next.keyEpoch,
        derivedUntil: derivedUntil || next.notBefore + this.#options.overlapMs + this.#options.lateMs,
      };
      for (const one of erased) await available(() => this.#store.wrappingKeys.destroy(one.wrappingKey));
      if (await available(() => this.#store.save(value, this.#known.version))) {
        this.#known = { value, version: this.#known.version + 1 };
        return this.#forgetErased();
      }
      await available(() => this.#store.wrappingKeys.destroy(next.wrappingKey));
    }
    throw xlinkError('KEY_STORE_UNAVAILABLE', {
      cause: new Error(`Other instances were faster ${MAX_ATTEMPTS} times.`),
    });
  }

  async #make(): Promise<StoredEpoch> {
    const { clock, rotationMs, overlapMs, lateMs } = this.#options;
    const { randomBytes } = this.#identity.crypto;
    const notBefore = clock();
    const notAfter = notBefore + rotationMs + overlapMs;
    const head = { keyEpoch: this.#known.value.highest + 1, notBefore, notAfter };
    const wrapping = randomBytes(32);
    const wrappingKey = encodeBase64url(randomBytes(16));
    const sealed = await sealNewEpoch(this.#identity, head, wrapping);
    await available(() => this.#store.wrappingKeys.put(wrappingKey, wrapping));
    wrapping.fill(0);
    return { ...head, eraseAfter: notAfter + lateMs, wrappingKey, sealed };
  }

  async #open(stored: StoredEpoch): Promise<EncryptionKeys> {
    const known = this.#opened.get(stored.keyEpoch);
    if (known) return known;
    const wrapping = await available(() => this.#store.wrappingKeys.get(stored.wrappingKey));
    if (!wrapping) throw xlinkError('KEY_STORE_DAMAGED');
    const keys = await openEpoch(this.#identity, stored, wrapping);
    this.#opened.set(stored.keyEpoch, keys);
    return keys;
  }

  #isOver = ({ eraseAfter }: StoredEpoch): boolean => this.#options.clock() > eraseAfter;

  /** Also while the store is away: what is over opens nothing any more. */
  #forgetErased(): void {
    for (const one of this.#known.value.epochs) if (this.#isOver(one)) this.#opened.delete(one.keyEpoch);
    for (const keyEpoch of this.#opened.keys()) if (!this.#stored(keyEpoch)) this.#opened.delete(keyEpoch);
  }

  /** Destroys what is over in the store. For a schedule; a rotation does it, too. */
  async erase(): Promise<void> {
    await this.#mutex.run(this, async () => {
      await this.#read();
      const over = this.#known.value.epochs.filter((one) => this.#isOver(one));
      if (over.length === 0) return;
      for (const one of over) await available(() => this.#store.wrappingKeys.destroy(one.wrappingKey));
      const value = {
        ...this.#known.value,
        epochs: this.#known.value.epochs.filter((one) => !over.includes(one)),
      };
      if (await available(() => this.#store.save(value, this.#known.version)))
        this.#known = { value, version: this.#known.version + 1 };
      this.#forgetErased();
    });
  }
}

/** Nothing is sealed or opened while it cannot be told which keys are good. */
async function available<T>(ask: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw xlinkError('KEY_STORE_UNAVAILABLE', { cause });
  }
}
