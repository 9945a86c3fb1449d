/** A document and how often it was changed. */
export interface StateDocument {
  /** What it says, as JSON. Sealed: it holds no key in the open. */
  readonly json: string;
  /** 1, 2, 3 …: grows with each `save`. */
  readonly version: number;
}

/**
 * Where the state of Signal channels is kept: a few documents of some kilobytes, each changed by compare-and-set. The stores of the
 * library are such stores: `MemoryOperationsStore`, `FileOperationsStore`, `RedisOperationsStore`, `PostgresOperationsStore`; and
 * {@link VaultStateStore}. Another secret manager needs these three methods.
 */
export interface StateStore {
  /** The document of this name; `undefined`: there is none. Names have the characters `a-z A-Z 0-9 : / . _ -`. */
  load(id: string): StateDocument | undefined | Promise<StateDocument | undefined>;
  /**
   * Atomically, among all processes: false, and nothing written, unless `expectedVersion` is the version that is there (0: none). Resolves
   * once it would outlive the process. After a rejection it may be written all the same.
   */
  save(id: string, json: string, expectedVersion: number): boolean | Promise<boolean>;
  /** Removes it, by the same rule. */
  remove(id: string, expectedVersion: number): boolean | Promise<boolean>;
}
