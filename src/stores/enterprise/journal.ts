import type { Clock, Did, RegistryEntry } from '../../types/protocol.js';
import { JournalQueue } from '../file/journal-queue.js';
import type { Write } from './change.js';
import { type Fact, factFrom, type Queued, type Seen } from './fact.js';

/** In one file: entries as the registry last showed them, and changes that it has not been told of. */
export class EnterpriseStore {
  readonly #seen = new Map<Did, Seen>();
  /** The order of the question that `#seen` answers: a late answer to an early question changes nothing. */
  readonly #order = new Map<Did, number>();
  #lastGone = 0;
  readonly #queue = new Map<number, Queued>();
  #nextId = 1;
  readonly #file: JournalQueue;

  constructor(path: string, clock: Clock) {
    this.#file = new JournalQueue({
      path,
      format: 'xlink-enterprise-registry',
      lockWaitMs: 0, // the next one that needs it tries again
      clock,
      reset: () => {
        this.#seen.clear();
        this.#queue.clear();
      },
      replay: (value) => this.#apply(factFrom(value)),
      snapshot: () => this.#snapshot(),
    });
  }

  /** Resolves when it is known what is in the file. Rejects if that cannot be known; a later call tries again. */
  async ready(): Promise<void> {
    await this.#file.ready();
  }

  seen(did: Did): Seen | undefined {
    return this.#seen.get(did);
  }

  allSeen(): Seen[] {
    return [...this.#seen.values()];
  }

  /** Oldest first; those for one DID, or all. */
  queued(did?: Did): Queued[] {
    if (this.#queue.size === 0) return [];
    const all = [...this.#queue.values()];
    return did === undefined ? all : all.filter(({ write }) => write.did === did);
  }

  /** Counts at once; resolves when it is on the disk. Only written if the entry is new or `at` is `coarseMs` later. */
  async remember(
    did: Did,
    entry: RegistryEntry | undefined,
    at: number,
    order: number,
    coarseMs: number,
  ): Promise<void> {
    if ((this.#order.get(did) ?? this.#lastGone) > order) return;
    const known = this.#seen.get(did);
    if (!entry) {
      this.#order.delete(did); // strangers must not fill the memory
      this.#lastGone = Math.max(this.#lastGone, order);
      if (this.#seen.delete(did)) await this.#write(['gone', did]);
      return;
    }
    this.#order.set(did, order);
    const isSame = JSON.stringify(known?.entry) === JSON.stringify(entry);
    const writtenAt = isSame ? known?.writtenAt : undefined;
    this.#seen.set(did, { entry, at, writtenAt });
    if (writtenAt !== undefined && Math.abs(at - writtenAt) < coarseMs) return;
    await this.#write(['seen', entry, at]);
    const now = this.#seen.get(did);
    if (now?.entry === entry) this.#seen.set(did, { ...now, writtenAt: at });
  }

  /** Answers to questions before this one are not remembered. */
  outdate(did: Did, order: number): void {
    this.#order.set(did, Math.max(order, this.#order.get(did) ?? 0));
  }

  /** Counts when it is on the disk. */
  async enqueue(write: Write, base: Queued['base']): Promise<void> {
    const id = this.#nextId++;
    await this.#write(['queued', id, write, base]);
  }

  /** The registry knows of it, or will not have it. */
  settle(id: number): Promise<void> {
    return this.#write(['done', id]);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #apply(fact: Fact): void {
    switch (fact[0]) {
      case 'seen':
        this.#seen.set(fact[1].did, { entry: fact[1], at: fact[2], writtenAt: fact[2] });
        break;
      case 'gone':
        this.#seen.delete(fact[1]);
        break;
      case 'queued':
        this.#queue.set(fact[1], { id: fact[1], write: fact[2], base: fact[3] });
        this.#nextId = Math.max(this.#nextId, fact[1] + 1);
        break;
      case 'done':
        this.#queue.delete(fact[1]);
    }
  }

  #write(fact: Fact): Promise<void> {
    const countsNow = fact[0] === 'seen' || fact[0] === 'gone';
    return this.#file.write(fact, () => countsNow || this.#apply(fact));
  }

  *#snapshot(): Iterable<Fact> {
    for (const { entry, at } of this.allSeen()) yield ['seen', entry, at];
    for (const { id, write, base } of this.queued()) yield ['queued', id, write, base];
  }
}
