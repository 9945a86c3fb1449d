import { isXlinkError, xlinkError } from '../../errors/service-errors.js';
import { type Awaitable, isPromiseLike } from '../../util/awaitable.js';
import type { ClientStore } from './store.js';

/** The same store; what it throws becomes `CLIENT_STORE_UNAVAILABLE` with the original as `cause`. */
export const guardedClientStore = (store: ClientStore): ClientStore => ({
  get: (client) => guarded(() => store.get(client)),
  list: () => guarded(() => store.list()),
  clientOf: (did) => guarded(() => store.clientOf(did)),
  standingOf: (did) => guarded(() => store.standingOf(did)),
  link: (did, client, options) => guarded(() => store.link(did, client, options)),
  unlink: (did) => guarded(() => store.unlink(did)),
  add: (activity, batch) => guarded(() => store.add(activity, batch)),
  setKeyOff: (client, since) => guarded(() => store.setKeyOff(client, since)),
  setRevoked: (client, since) => guarded(() => store.setRevoked(client, since)),
});

/** A store in memory answers at once, without a promise. */
function guarded<T>(ask: () => Awaitable<T>): Awaitable<T> {
  try {
    const answer = ask();
    return isPromiseLike(answer) ? Promise.resolve(answer).catch(unavailable) : answer;
  } catch (cause) {
    return unavailable(cause);
  }
}

function unavailable(cause: unknown): never {
  throw isXlinkError(cause) ? cause : xlinkError('CLIENT_STORE_UNAVAILABLE', { cause });
}
