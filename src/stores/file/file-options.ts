import { integerIn, isFunction, isString } from '../../util/options.js';
import type { OnRepair } from './journal-file.js';

/** What all stores in files have in common. */
export interface FileStoreOptions {
  /**
   * The file; it and its folder are made if they are not there. Beside it there are a lock, a `.head` file that says how
   * far it was acknowledged, and for a moment a copy.
   */
  readonly path: string;
  /** Told that a line that a crash left unfinished was cut off; it was never acknowledged. Default: not called. */
  readonly onRepair?: OnRepair;
  /**
   * How long the opening waits for another process to let go of the file, in ms, 0 to 600 000. Default 10 000: in an
   * overlapping deploy the new process goes on when the old one has ended. After that it fails with `ELOCKED`.
   */
  readonly lockWaitMs?: number;
}

export const DEFAULT_LOCK_WAIT_MS = 10_000;

export const FILE_OPTION_CHECKS = {
  path: isString,
  onRepair: isFunction,
  lockWaitMs: integerIn(0, 600_000),
};
