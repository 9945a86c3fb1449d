import { MeshError } from '../../errors/mesh-error.js';
import { utf8 } from '../../util/bytes.js';
import { toBytes, toText } from '../prekeys/signed.js';
import { openRecord, sealRecord } from './sealing.js';
import type { StateDocument, StateStore } from './store.js';

/** A record with its place in the store. */
export interface Held<T> {
  readonly value: T;
  readonly rev: number;
  readonly version: number;
}

/** What {@link Records} needs. */
export interface RecordsOptions {
  /** Where the records are. */
  readonly store: StateStore;
  /** The second place: which revision was reached. Absent: a store that is rolled back is not noticed. */
  readonly revisions: StateStore | undefined;
  /** 32 bytes that records are sealed under. */
  readonly key: Uint8Array;
}

/** What became of a record. `lost`: what is there is older than what was, or gone. */
export type Loaded<T> = { readonly held: Held<T> } | { readonly lost: boolean };

/** Tries before `SIGNAL_STATE_CONFLICT`. */
const MAX_TRIES = 20;

/**
 * Sealed records, changed by compare-and-set. A change is written, and then its revision in the second place, before `change` resolves:
 * nothing leaves and nothing is handed out before. Of a record that it has in memory it reads nothing: if another process has
 * changed it, the write fails, and it is read again.
 */
export class Records<T> {
  readonly #options: RecordsOptions;
  readonly #held = new Map<string, Held<T>>();
  readonly #revisionVersions = new Map<string, number>();

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  /** The record as it is in memory or in the store. */
  async load(id: string): Promise<Loaded<T>> {
    const held = this.#held.get(id);
    return held ? { held } : this.#read(id);
  }

  /** Forgets what is in memory. */
  forget(id?: string): void {
    if (id === undefined) this.#held.clear();
    else this.#held.delete(id);
  }

  /**
   * Changes a record; `make` is called again with what is there then, if another process was faster, and must have no effect of its
   * own. What it returns as `value` is written; `undefined`: nothing is. Throws what `make` throws, and `SIGNAL_STATE_…`.
   */
  async change<R>(
    id: string,
    make: (before: T | undefined, lost: boolean) => Promise<{ readonly value?: T; readonly result: R }>,
  ): Promise<R> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const loaded = await this.load(id);
      const held = 'held' in loaded ? loaded.held : undefined;
      const lost = 'lost' in loaded && loaded.lost;
      let made: { readonly value?: T; readonly result: R };
      try {
        made = await make(held?.value, lost);
      } catch (error) {
        // It was made from what is in memory. What another process wrote since may be taken.
        if (!held || !(await this.#isOutdated(id, held))) throw error;
        continue;
      }
      if (made.value === undefined) return made.result;
      if (await this.#write(id, made.value, held)) return made.result;
      this.#held.delete(id);
    }
    throw new MeshError('SIGNAL_STATE_CONFLICT');
  }

  async #isOutdated(id: string, held: Held<T>): Promise<boolean> {
    const there = await this.#ask(() => this.#options.store.load(id));
    if ((there?.version ?? 0) === held.version) return false;
    this.#held.delete(id);
    return true;
  }

  async #read(id: string): Promise<Loaded<T>> {
    const { store, key } = this.#options;
    const document = await this.#ask(() => store.load(id));
    const reached = await this.#reached(id);
    if (!document) return { lost: reached > 0 };
    const { rev, record } = openRecord(key, id, document.json);
    if (rev < reached) return { lost: true };
    const held = { value: parse<T>(record), rev, version: document.version };
    this.#held.set(id, held);
    return { held };
  }

  async #write(id: string, value: T, held: Held<T> | undefined): Promise<boolean> {
    const { store, key } = this.#options;
    // What was lost is written over, behind all revisions that there were.
    const there = held ?? (await this.#ask(() => store.load(id)));
    const rev = Math.max(held?.rev ?? 0, held ? 0 : await this.#reached(id)) + 1;
    const json = sealRecord(key, id, rev, utf8(stringify(value)));
    this.#held.delete(id); // after a rejection it may be written all the same
    if (!(await this.#ask(() => store.save(id, json, there?.version ?? 0)))) return false;
    await this.#reach(id, rev);
    this.#held.set(id, { value, rev, version: (there?.version ?? 0) + 1 });
    return true;
  }

  /** The highest revision that the second place knows; 0: none. */
  async #reached(id: string): Promise<number> {
    const { revisions } = this.#options;
    if (!revisions) return 0;
    const document = await this.#ask(() => revisions.load(id));
    this.#revisionVersions.set(id, document?.version ?? 0);
    return document ? revisionOf(document) : 0;
  }

  async #reach(id: string, rev: number): Promise<void> {
    const { revisions } = this.#options;
    if (!revisions) return;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const version = this.#revisionVersions.get(id);
      if (version === undefined) {
        if ((await this.#reached(id)) >= rev) return;
        continue;
      }
      if (await this.#ask(() => revisions.save(id, JSON.stringify({ rev }), version))) {
        this.#revisionVersions.set(id, version + 1);
        return;
      }
      this.#revisionVersions.delete(id);
    }
    throw new MeshError('SIGNAL_STATE_CONFLICT');
  }

  async #ask<R>(call: () => R | Promise<R>): Promise<R> {
    try {
      return await call();
    } catch (cause) {
      throw new MeshError('SIGNAL_STATE_UNAVAILABLE', { cause });
    }
  }
}

function revisionOf({ json }: StateDocument): number {
  try {
    const { rev } = JSON.parse(json) as { rev?: unknown };
    if (Number.isSafeInteger(rev)) return rev as number;
  } catch {}
  throw new MeshError('SIGNAL_STATE_UNREADABLE');
}

/** JSON in which bytes stand as `{"b":"…"}`. */
const stringify = (value: unknown): string =>
  JSON.stringify(value, (_, one) => (one instanceof Uint8Array ? { b: toText(one) } : one));

const parse = <T>(record: Uint8Array): T =>
  JSON.parse(Buffer.from(record).toString('utf8'), (_, one) =>
    one && typeof one === 'object' && typeof one.b === 'string' ? toBytes(one.b) : one,
  );
