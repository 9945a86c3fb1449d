import type { Documents } from '@private.me/xlink/server';

/** How often is looked, in ms. */
const EVERY_MS = 300_000;

/** Removes documents that are over, at most once in five minutes. */
export class Sweeper {
  #sweptAt = 0;

  /** Each kind with what says so of one of them. */
  async sweep(now: number, ...kinds: readonly (() => Promise<void>)[]): Promise<void> {
    const sinceMs = now - this.#sweptAt;
    if (sinceMs >= 0 && sinceMs < EVERY_MS) return; // below 0 where the clock was set back
    this.#sweptAt = now;
    for (const kind of kinds) await kind();
  }
}

/** One kind, for {@link Sweeper}. */
export const overIn =
  <T>(documents: Documents<T>, isOver: (value: T) => boolean) =>
  async (): Promise<void> => {
    for (const [id, value] of await documents.all()) if (isOver(value)) await documents.removeIf(id, isOver);
  };
