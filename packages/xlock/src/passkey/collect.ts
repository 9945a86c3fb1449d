import { MAX_SHARE_BYTES, type XStoreBackend } from '../stores/backend.js';

/** What one store answered. */
export interface Collected {
  readonly store: XStoreBackend;
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** Why it did not answer. */
  readonly failed?: unknown;
}

/**
 * Asks all stores that need no human, at once, and then the others one by one until `isEnough`. A store that lies or is down does not
 * stand in the way of others; one that does not answer in time counts as down.
 */
export async function collect(
  stores: readonly XStoreBackend[],
  name: string,
  timeoutMs: number,
  isEnough: (found: readonly Collected[]) => boolean,
): Promise<readonly Collected[]> {
  const automatic = stores.filter(({ manual }) => !manual);
  const found = await Promise.all(automatic.map((store) => askOne(store, name, timeoutMs)));
  for (const store of stores.filter(({ manual }) => manual)) {
    if (isEnough(found)) break;
    found.push(await askOne(store, name, undefined));
  }
  return found;
}

async function askOne(store: XStoreBackend, name: string, timeoutMs: number | undefined): Promise<Collected> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const asked = Promise.resolve(store.get(name));
    const late = new Promise<never>((_, reject) => {
      if (timeoutMs !== undefined)
        timer = setTimeout(
          () => reject(new Error(`The store did not answer within ${timeoutMs} ms.`)),
          timeoutMs,
        );
    });
    const bytes = await Promise.race([asked, late]);
    if (bytes === undefined) return { store, bytes };
    if (!(bytes instanceof Uint8Array) || bytes.length > MAX_SHARE_BYTES)
      throw new Error('The store answered with something that is no share.');
    return { store, bytes: Uint8Array.from(bytes) };
  } catch (failed) {
    return { store, bytes: undefined, failed };
  } finally {
    clearTimeout(timer);
  }
}
