/** A document and how often it was changed. */
export interface StateDocument {
  /** What it says, as JSON. Sealed: it holds no key in the open. */
  readonly json: string;
  /** 1, 2, 3 …: grows by one with each `save`. */
  readonly version: number;
}

/**
 * Where a client keeps its groups and keys: one document for each group, 50 KB to 1 MB, and one for its key packages, each changed by
 * compare-and-set. The stores of the library are such stores: `MemoryOperationsStore`, `FileOperationsStore`, `RedisOperationsStore`,
 * `PostgresOperationsStore`. Another one needs these four methods.
 */
export interface GroupStateStore {
  /** The document of this name; `undefined`: there is none. Names have the characters `a-z A-Z 0-9 : / _ -`. */
  load(id: string): StateDocument | undefined | Promise<StateDocument | undefined>;
  /** All documents whose name begins with `kind` and a slash. */
  list(kind: string): readonly { readonly id: string }[] | Promise<readonly { readonly id: string }[]>;
  /**
   * Atomically, among all processes: false, and nothing written, unless `expectedVersion` is the version that is there (0: none). Resolves
   * once it would outlive the process. After a rejection it may be written all the same.
   */
  save(id: string, json: string, expectedVersion: number): boolean | Promise<boolean>;
  /** Removes it, by the same rule. */
  remove(id: string, expectedVersion: number): boolean | Promise<boolean>;
}
