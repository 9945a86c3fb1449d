/** The parts of the database of this origin. */
const STORES = ['keys', 'shares', 'passkeys', 'pending', 'settings'] as const;
export type StoreName = (typeof STORES)[number];

let opened: Promise<IDBDatabase> | undefined;

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open(): Promise<IDBDatabase> {
  opened ??= (async () => {
    const request = indexedDB.open('xlock', 1);
    request.onupgradeneeded = () => {
      for (const name of STORES) request.result.createObjectStore(name);
    };
    return settled(request);
  })();
  return opened;
}

/** Reads one value; `undefined` if there is none. */
export async function read<T>(store: StoreName, key: string): Promise<T | undefined> {
  const database = await open();
  return settled(database.transaction(store).objectStore(store).get(key));
}

/** All values of a part. */
export async function readAll<T>(store: StoreName): Promise<T[]> {
  const database = await open();
  return settled(database.transaction(store).objectStore(store).getAll());
}

/** Resolves once it is on the disk. */
export const write = (store: StoreName, key: string, value: unknown): Promise<void> =>
  changed(store, (objects) => objects.put(value, key));

/** The value that is there, or else this one, which is kept: two tabs get the same. */
export async function readOrAdd<T>(store: StoreName, key: string, made: T): Promise<T> {
  await changed(store, (objects) => {
    const asked = objects.get(key);
    asked.onsuccess = () => {
      if (asked.result === undefined) objects.put(made, key);
    };
  });
  return (await read<T>(store, key))!;
}

/** Removes a value, if it is there. */
export const remove = (store: StoreName, key: string): Promise<void> =>
  changed(store, (objects) => objects.delete(key));

async function changed(store: StoreName, change: (objects: IDBObjectStore) => unknown): Promise<void> {
  const transaction = (await open()).transaction(store, 'readwrite');
  change(transaction.objectStore(store));
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
