/** The one good key of a client that has nothing but an id. */
export const KEY = 'key-canary-7d1f0c';

/** Keys of three clients: one whose scopes are limited, one without any mention of scopes, one with none. */
export const ACME = 'key-canary-acme-7d1f0c';
export const ACME_TOO = 'key-canary-acme-second-1b9a';
export const BOLT = 'key-canary-bolt-52ab9e';
export const CASK = 'key-canary-cask-99e0d1';
/** A good key whose client cannot be told. */
export const NAMELESS = 'key-canary-nameless-40cc';
export const WRONG = 'key-canary-wrong-aa31';

const CLIENTS: Record<string, object> = {
  [KEY]: { userId: 'u1' },
  [ACME]: { clientId: 'acme', scopes: ['orders:read', 'orders:write'] },
  [ACME_TOO]: { clientId: 'acme', scopes: ['orders:read', 'orders:write'] },
  [BOLT]: { clientId: 'bolt' },
  [CASK]: { clientId: 'cask', scopes: [] },
  [NAMELESS]: { plan: 'free' },
};

/** What the API's own check of a key returns. */
export const clientOf = (key: string): object | null => CLIENTS[key] ?? null;

export const KEYS: readonly string[] = [...Object.keys(CLIENTS), WRONG];
