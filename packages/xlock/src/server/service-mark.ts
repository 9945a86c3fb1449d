import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { invalidOption } from '../util/options.js';

/** Which service a store is of. */
interface ServiceMark {
  readonly did: string;
  /** Absent until a server said it. */
  readonly origin?: string;
}

const marksIn = (store: OperationsStore) => new Documents<ServiceMark>(store, 'xlock-service');
const ONE = 'this';

/** The DID of the service that a store is of; `undefined` for an empty one. */
export const serviceOf = async (store: OperationsStore): Promise<string | undefined> =>
  (await marksIn(store).get(ONE))?.did;

/**
 * Keeps in the store which service it is of, or compares: devices refuse the challenges of another DID or origin than they registered with.
 * Throws `INVALID_OPTION`.
 */
export async function markService(store: OperationsStore, own: ServiceMark): Promise<void> {
  const { did, origin } = await marksIn(store).update(ONE, (before) => {
    if (!before) return own;
    return before.origin === undefined && before.did === own.did ? { ...before, ...own } : before;
  });
  if (did !== own.did) throw otherService(did, `The identity is ${own.did}`);
  if (own.origin !== undefined && origin !== own.origin)
    throw invalidOption(
      'origin',
      `The store is of the service at ${origin}, and devices keep their passkeys by that: it cannot be served at ${own.origin}. Pass origin (--origin ${origin}), or take another store.`,
    );
}

/** Says whose a store is. */
export const otherService = (did: string, said: string) =>
  invalidOption(
    'identityFile',
    `${said}, but the store is of the service ${did}. Pass the file of its identity as identityFile (--identity), or take another store.`,
  );
