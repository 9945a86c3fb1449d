import { looksLikeDidKey } from '../../identity/did.js';
import { entryFrom } from '../../registry/parse-entry.js';
import type { Clock, Did, RegistryEntry } from '../../types/protocol.js';
import { Journal } from '../file/journal.js';
import { RetriedOpen } from '../file/retried-open.js';
import type { Write } from './change.js';

/** What the registry said about a DID, and when it was asked (ms since 1970). */
export interface Seen {
  readonly entry: RegistryEntry;
  readonly at: number;
  /** The same, as the file has it; `undefined` if the file has another entry. */
  readonly writtenAt: number | undefined;
}

/** A change that the registry has not been told of. */
export interface Queued {
  readonly id: number;
  readonly write: Write;
  /** What was known of the DID when the change was asked for. */
  readonly base: RegistryEntry['status'] | 'unknown';
}

/** One thing that a line of the file says. */
type Fact =
  | readonly ['seen', RegistryEntry, number]
  | readonly ['gone', Did]
  | readonly ['queued', number, Write, Queued['base']]
  | readonly ['done', number];

interface Pending {
  readonly fact: Fact;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const FORMAT = 'xlink-enterprise-registry';
const MAX_BATCH = 256;
const OPERATIONS = new Set(['register', 'add', 'revoke', 'updateScopes', 'updateKeys']);

/** In one file: entries as the registry last showed them, and changes that it has not been told of. */
export class EnterpriseStore {
  readonly #seen = new Map<Did, Seen>();
  /** The order of the question that `#seen` answers: a late answer to an early question changes nothing. */
  readonly #order = new Map<Did, number>();
  #lastGone = 0;
  readonly #queue = new Map<number, Queued>();
  #nextId = 1;
  readonly #journal: RetriedOpen<Journal>;
  #facts = 0;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(path: string, clock: Clock) {
    this.#journal = new RetriedOpen(() => this.#replay(path), clock);
  }

  /** Resolves when it is known what is in the file. Rejects if that cannot be known; a later call tries again. */
  async ready(): Promise<void> {
    if (this.#closing) throw new Error('the registry was closed');
    await this.#journal.get();
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
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#writing;
    const journal = await this.#journal.end();
    await journal?.close();
  }

  async #replay(path: string): Promise<Journal> {
    this.#seen.clear();
    this.#queue.clear();
    this.#facts = 0;
    return Journal.open({
      path,
      format: FORMAT,
      replay: (facts) => {
        if (!Array.isArray(facts)) throw new TypeError('a line holds a list of facts');
        for (const fact of facts) this.#apply(factFrom(fact));
      },
    });
  }

  #apply(fact: Fact): void {
    this.#facts++;
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
    return new Promise((resolve, reject) => {
      if (this.#closing) return reject(new Error('the registry was closed'));
      this.#pending.push({ fact, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Facts that come together share one line, and one way to the disk. */
  async #writeAll(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const journal = await this.#journal.get();
        const batch = this.#pending.splice(0, MAX_BATCH);
        try {
          await journal.append(batch.map(({ fact }) => fact));
        } catch (error) {
          for (const { reject } of batch) reject(error);
          continue;
        }
        for (const { fact, resolve } of batch) {
          if (fact[0] === 'queued' || fact[0] === 'done') this.#apply(fact);
          else this.#facts++; // these counted at once
          resolve();
        }
        await this.#compactIfLong(journal);
      }
    } catch (error) {
      for (const { reject } of this.#pending.splice(0)) reject(error);
    } finally {
      this.#writing = undefined; // in the same tick in which nothing was pending
    }
  }

  /** If it fails the file goes on to grow, and it is tried again. */
  async #compactIfLong(journal: Journal): Promise<void> {
    if (this.#facts <= (this.#seen.size + this.#queue.size) * 4 + 1000) return;
    const facts: Fact[] = [
      ...this.allSeen().map(({ entry, at }) => ['seen', entry, at] as const),
      ...this.queued().map(({ id, write, base }) => ['queued', id, write, base] as const),
    ];
    await journal.compact(facts.map((fact) => [fact])).catch(() => {});
    this.#facts = facts.length; // if it failed, the next try comes when it has grown as much again
  }
}

/** The file may have been written by anybody who can: nothing of it is taken unchecked. */
function factFrom(value: unknown): Fact {
  const [kind, first, second, third] = value as unknown[];
  const write = second as Write | undefined;
  if (kind === 'seen' && typeof second === 'number') return ['seen', entryFrom(first), second];
  if (kind === 'gone' && typeof first === 'string') return ['gone', first];
  if (kind === 'done' && typeof first === 'number') return ['done', first];
  if (kind === 'queued' && typeof first === 'number' && write && OPERATIONS.has(write.operation))
    if (looksLikeDidKey(write.did)) return ['queued', first, write, third as Queued['base']];
  throw new TypeError('a line holds something unknown');
}
