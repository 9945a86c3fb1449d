import type { Awaitable } from '../../util/awaitable.js';

/** A small document, and how often it was changed. */
export interface StoredDocument {
  /** Its name: a kind, `/`, and any text, such as `invitation/8Vw…`. */
  readonly id: string;
  /** What it says, as JSON. */
  readonly json: string;
  /** 1, 2, 3 …: grows by one with each `save`. */
  readonly version: number;
}

/**
 * Where an adapter keeps what its operators made: invitations, and what is known of how keys are used. Small documents, each changed by
 * compare-and-set. Share one between the instances of a service; never between services.
 */
export interface OperationsStore {
  /** The document of this name; `undefined`: there is none. */
  load(id: string): Awaitable<StoredDocument | undefined>;
  /** All documents of a kind, in any order. */
  list(kind: string): Awaitable<readonly StoredDocument[]>;
  /**
   * Atomically, among all instances: false, and nothing written, unless `expectedVersion` is the version that is there (0: none). After a
   * rejection it may be written all the same.
   */
  save(id: string, json: string, expectedVersion: number): Awaitable<boolean>;
  /** Removes it, by the same rule. */
  remove(id: string, expectedVersion: number): Awaitable<boolean>;
}

/** Whether a document is of a kind. */
export const isOfKind = (id: string, kind: string): boolean => id.startsWith(`${kind}/`);
