import type { ClientStore } from '@private.me/xlink';

/** A store whose methods fail while they are in `down`. */
export function breakable(store: ClientStore): ClientStore & { readonly down: Set<keyof ClientStore> } {
  const down = new Set<keyof ClientStore>();
  const run = <T>(name: keyof ClientStore, call: () => T): T => {
    if (down.has(name)) throw new Error(`${name}: connection refused`);
    return call();
  };
  return {
    down,
    get: (client) => run('get', () => store.get(client)),
    list: () => run('list', () => store.list()),
    clientOf: (did) => run('clientOf', () => store.clientOf(did)),
    standingOf: (did) => run('standingOf', () => store.standingOf(did)),
    link: (did, client, options) => run('link', () => store.link(did, client, options)),
    unlink: (did) => run('unlink', () => store.unlink(did)),
    setRevoked: (client, since) => run('setRevoked', () => store.setRevoked(client, since)),
    add: (activity) => run('add', () => store.add(activity)),
    setKeyOff: (client, since) => run('setKeyOff', () => store.setKeyOff(client, since)),
  };
}
