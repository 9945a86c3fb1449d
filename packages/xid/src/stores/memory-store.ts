import type { XidGroup, XidStore, XidStored } from './store.js';

interface Entry extends XidStored {
  readonly group: string | undefined;
}

/** How many calls lie between two looks for what is over. */
const SWEEP_EVERY = 256;

/** In the memory of this process: for a service of one instance. What is over is removed while others come. */
export class MemoryXidStore implements XidStore {
  readonly #entries = new Map<string, Entry>();
  readonly #counts = new Map<string, number>();
  #calls = 0;

  /** Entries that are held, over or not: for tests and metrics. */
  get size(): number {
    return this.#entries.size;
  }

  async get(keys: readonly string[], now: number): Promise<readonly (string | undefined)[]> {
    return keys.map((key) => this.#alive(key, now)?.value);
  }

  async add(
    key: string,
    { value, until }: XidStored,
    now: number,
    group?: XidGroup,
  ): Promise<'added' | 'taken' | 'full'> {
    if (++this.#calls % SWEEP_EVERY === 0) this.#sweep(now);
    if (this.#alive(key, now)) return 'taken';
    if (group && this.#countOf(group.name) >= group.max) {
      this.#sweep(now);
      if (this.#countOf(group.name) >= group.max) return 'full';
    }
    this.#entries.set(key, { value, until, group: group?.name });
    if (group) this.#counts.set(group.name, this.#countOf(group.name) + 1);
    return 'added';
  }

  async set(key: string, { value, until }: XidStored, now: number, group?: string): Promise<void> {
    const before = this.#alive(key, now)?.group;
    if (group === undefined || group === before) {
      this.#entries.set(key, { value, until, group: before });
      return;
    }
    this.#drop(key);
    this.#entries.set(key, { value, until, group });
    this.#counts.set(group, this.#countOf(group) + 1);
  }

  async extend(key: string, { value, until }: XidStored, now: number): Promise<void> {
    const there = this.#alive(key, now);
    if (!there || there.until < until) this.#entries.set(key, { value, until, group: there?.group });
  }

  async remove(key: string): Promise<void> {
    this.#drop(key);
  }

  async count(group: string, now: number): Promise<number> {
    this.#sweep(now);
    return this.#countOf(group);
  }

  #countOf(group: string): number {
    return this.#counts.get(group) ?? 0;
  }

  #alive(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry && entry.until <= now) this.#drop(key);
    return entry && entry.until > now ? entry : undefined;
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    const { group } = entry;
    if (group === undefined) return;
    const left = this.#countOf(group) - 1;
    if (left > 0) this.#counts.set(group, left);
    else this.#counts.delete(group);
  }

  #sweep(now: number): void {
    for (const [key, { until }] of this.#entries) if (until <= now) this.#drop(key);
  }
}
