/** The members of a group that count against a bound. */
export interface XidGroup {
  readonly name: string;
  /** How many may be there at a time. */
  readonly max: number;
}

/** What a service remembers for an entry. */
export interface XidStored {
  /** JSON text. */
  readonly value: string;
  /** From when on it is forgotten, in ms since 1970. */
  readonly until: number;
}

/**
 * What the instances of a service know together of identities of epochs: which were let in, which tokens were spent, what was revoked. Everything in it
 * ends by itself. `now`: the time of the caller, in ms since 1970. A throw or rejection means that it is down: nobody is let in.
 */
export interface XidStore {
  /** The texts under these keys, in their order; `undefined` where there is none, or its time is over. */
  get(keys: readonly string[], now: number): Promise<readonly (string | undefined)[]>;
  /**
   * Puts an entry where there is none, atomically: of any number of calls at the same time, in all instances, one is `added`. `full`: the group has
   * as many as it may.
   */
  add(key: string, entry: XidStored, now: number, group?: XidGroup): Promise<'added' | 'taken' | 'full'>;
  /** Puts an entry in the place of what is there, or where nothing is. It counts in `group` until its new end; without `group` it counts where, and for as long as, it did. */
  set(key: string, entry: XidStored, now: number, group?: string): Promise<void>;
  /** Puts an entry unless one is there that ends later or at the same time, atomically: in whatever order calls come, the latest end stays. Without a group. */
  extend(key: string, entry: XidStored, now: number): Promise<void>;
  /** Removes an entry, from its group as well. */
  remove(key: string, group?: string): Promise<void>;
  /** How many entries of a group are there. */
  count(group: string, now: number): Promise<number>;
}
