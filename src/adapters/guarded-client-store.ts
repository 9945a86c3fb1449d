import { isXlinkError, xlinkError } from '../errors.js';
import type { ClientStore } from './client-store.js';

/** The same store; what it throws becomes `CLIENT_STORE_UNAVAILABLE` with the original as `cause`. */
export function guardedClientStore(store: ClientStore): ClientStore {
  const guard = async <T>(ask: () => T | Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (cause) {
      throw isXlinkError(cause) ? cause : xlinkError('CLIENT_STORE_UNAVAILABLE', { cause });
    }
  };
  return {
    get: (client) => guard(() => store.get(client)),
    list: () => guard(() => store.list()),
    clientOf: (did) => guard(() => store.clientOf(did)),
    link: (did, client) => guard(() => store.link(did, client)),
    add: (activity, batch) => guard(() => store.add(activity, batch)),
    setKeyOff: (client, since) => guard(() => store.setKeyOff(client, since)),
  };
}
