import type { XlinkError } from '../../errors/errors.js';
import type { HttpTrustRegistryOptions } from '../../registry/http.js';
import type { Clock, Did } from '../../types/protocol.js';
import {
  checkOptions,
  integerIn,
  isFunction,
  isObject,
  isPromptFunction,
  isString,
  requireOption,
} from '../../util/options.js';
import type { Write } from './change.js';

/** What an enterprise registry tells its operator. */
export type EnterpriseEvent =
  /** The registry could not be asked: from now on entries come from the file. */
  | { readonly type: 'down'; readonly error: unknown }
  /** It answers again. */
  | { readonly type: 'up' }
  /** A change waits in the file. */
  | { readonly type: 'queued'; readonly operation: Write['operation']; readonly did: Did }
  /** A change that had waited was made. */
  | { readonly type: 'replayed'; readonly operation: Write['operation']; readonly did: Did }
  /** A change that had waited was refused, and is dropped: an operator has to look at it. */
  | {
      readonly type: 'conflict';
      readonly operation: Write['operation'];
      readonly did: Did;
      readonly error: XlinkError;
    }
  /** The registry does not take the token: changes that wait go on waiting. */
  | { readonly type: 'unauthorized'; readonly error: XlinkError }
  /** Something could not be written to the file; `error` is what the disk said. */
  | { readonly type: 'fallback-failed'; readonly error: unknown };

/** Options of {@link createEnterpriseTrustRegistry}. */
export interface EnterpriseRegistryOptions {
  /** The registry that decides. */
  readonly http: HttpTrustRegistryOptions;
  /** Where its entries are remembered, and changes wait while it is down. One file for one process. */
  readonly file: { readonly path: string };
  /**
   * For how long after the registry last confirmed an entry it may be taken from the file, in ms: a DID that is revoked
   * elsewhere may be accepted here for that long, if the registry is out of reach all the while. After that nothing is
   * accepted from this DID until the registry answers. Default 3 600 000 (one hour); 0 never takes an entry from the file.
   */
  readonly maxStaleMs?: number;
  /** How long after a failure the registry is left alone before it is tried again, in ms. Default 2000. */
  readonly retryMs?: number;
  /** Told what happens. Must not throw (what it throws is ignored). Default: not called. */
  readonly onEvent?: (event: EnterpriseEvent) => void;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

export const DEFAULT_MAX_STALE_MS = 3_600_000;
export const DEFAULT_RETRY_MS = 2000;

/** Throws `INVALID_OPTION`. Those of `http` are checked by the registry that they are for. */
export function checkEnterpriseOptions(options: EnterpriseRegistryOptions): void {
  const owner = 'createEnterpriseTrustRegistry';
  checkOptions(owner, options, {
    http: isObject,
    file: isObject,
    maxStaleMs: integerIn(0, 30 * 24 * 3_600_000),
    retryMs: integerIn(1, 3_600_000),
    onEvent: isFunction,
    clock: isPromptFunction,
  });
  for (const name of ['http', 'file']) requireOption(owner, options, name);
  checkOptions(`${owner}: file`, options.file, { path: isString });
  requireOption(`${owner}: file`, options.file, 'path');
}
