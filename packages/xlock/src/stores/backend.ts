import { hasMethods, invalidOption, isText } from '../util/options.js';

/**
 * Where one share of a passkey is kept. Put each where the others cannot be read: another machine, another company, paper.
 * A throw or rejection means that it cannot be told now.
 */
export interface XStoreBackend {
  /** Name for messages and reports, such as `s3-frankfurt`; two backends of one passkey have two names. */
  readonly id: string;
  /** Where it is, without secrets, for {@link revokedStores}. Default: not told. */
  readonly url?: string;
  /** Keeps some 600 bytes under a name, in the place of what was there. `name`: 38 characters of `a-z`, `0-9` and `-`. */
  put(name: string, bytes: Uint8Array): Promise<void> | void;
  /** What was put there last; `undefined` if nothing was. */
  get(name: string): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  /** Removes it, if it is there. */
  delete(name: string): Promise<void> | void;
  /** Whether a human has to do something for each call: it is asked only where the others do not suffice. Default `false`. */
  readonly manual?: boolean;
}

/** The longest share that is taken from a backend, in bytes. */
export const MAX_SHARE_BYTES = 65_536;

/** Throws `INVALID_OPTION` unless these are 2 to 9 backends with ids of their own. */
export function checkBackends(owner: string, stores: unknown): asserts stores is readonly XStoreBackend[] {
  const isGood = (store: unknown) =>
    hasMethods('put', 'get', 'delete')(store) && isText((store as XStoreBackend).id);
  if (!Array.isArray(stores) || stores.length < 2 || stores.length > 9 || !stores.every(isGood))
    throw invalidOption(
      'stores',
      `${owner}: stores must be 2 to 9 objects with id, put(), get() and delete().`,
    );
  if (new Set(stores.map(({ id }) => id)).size < stores.length)
    throw invalidOption(
      'stores',
      `${owner}: two stores have the same id: give each its own, by its option id.`,
    );
}
