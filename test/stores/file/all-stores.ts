import { type Envelope, FileTrustRegistry } from '@private.me/xlink';
import {
  FileClientStore,
  FileKeyStore,
  FileModeStore,
  FileNonceStore,
  FileRelayStore,
  type FileStoreOptions,
} from '@private.me/xlink/file';
import { EnterpriseStore } from '../../../src/stores/enterprise/journal.js';

// Every store that keeps its state in a file, as one thing: it is told of numbers, and says up to which it knows them.

export interface NumberStore {
  /** Told of 1, 2, 3 …; resolves when it is acknowledged. Lengths differ from number to number. */
  write(number: number): Promise<unknown>;
  /** All numbers up to this one are known, and none above. Throws if they are not. */
  last(): Promise<number>;
  close(): Promise<void>;
}

export interface FileStoreKind {
  readonly name: string;
  open(options: FileStoreOptions): Promise<NumberStore>;
}

const DID = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
const DAY = 86_400_000;
const MANY = 1_000_000;

/** As long as different numbers make it. */
const filler = (number: number): string => 'x'.repeat((number * 37) % 5000);

/** The last of 1, 2, 3 … if they are all there. */
function lastOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  if (sorted.some((number, at) => number !== at + 1)) throw new Error(`there is ${sorted.join(' ')}`);
  return sorted.length;
}

const trust: FileStoreKind = {
  name: 'FileTrustRegistry',
  async open(options) {
    const registry = new FileTrustRegistry(options);
    const fail = async (cause: unknown) => {
      await registry.close();
      throw (cause as Error).cause;
    };
    await registry.ready().catch(fail);
    return {
      async write(number) {
        const done = await registry.add(DID, { scopes: [`${number}`], name: filler(number) });
        if (!done.ok) throw done.error.cause;
      },
      last: async () => Number((await registry.lookup(DID))?.sendScopes?.[0] ?? 0),
      close: () => registry.close(),
    };
  },
};

const clients: FileStoreKind = {
  name: 'FileClientStore',
  async open({ path, ...options }) {
    const store = await FileClientStore.open(path, options);
    return {
      write: (number) => store.link(`did:${number}`, `${filler(number)}${number}`),
      last: async () =>
        lastOf(store.list().flatMap(({ dids }) => dids.map((did) => Number(did.slice('did:'.length))))),
      close: () => store.close(),
    };
  },
};

const mode: FileStoreKind = {
  name: 'FileModeStore',
  async open({ path, ...options }) {
    const store = new FileModeStore(path, options);
    const fail = async (error: unknown) => {
      await store.close();
      throw error;
    };
    await store.load().catch(fail);
    return {
      async write(number) {
        const state = { mode: 'hybrid', since: number, reason: filler(number) } as const;
        if (!(await store.save(state, number - 1))) throw new Error('another version was there');
      },
      last: async () => (await store.load())?.since ?? 0,
      close: () => store.close(),
    };
  },
};

const keys: FileStoreKind = {
  name: 'FileKeyStore',
  async open({ path, ...options }) {
    const store = new FileKeyStore(path, options);
    const fail = async (error: unknown) => {
      await store.close();
      throw (error as Error).cause;
    };
    await store.load().catch(fail);
    return {
      async write(number) {
        const epoch = { keyEpoch: number, recordEpoch: 0, notBefore: 0, notAfter: 0, eraseAfter: 0 };
        const epochs = [{ ...epoch, wrappingKey: 'a', sealed: filler(number) }];
        if (!(await store.save({ did: DID, epochs, highest: number, derivedUntil: 0 }, number - 1)))
          throw new Error('another version was there');
      },
      last: async () => (await store.load())?.value.highest ?? 0,
      close: () => store.close(),
    };
  },
};

const nonces: FileStoreKind = {
  name: 'FileNonceStore',
  async open(options) {
    const store = await FileNonceStore.open(options);
    const use = (number: number) => ({
      recipient: 'bob',
      sender: `alice${filler(number)}`,
      nonce: `${number}`,
      timestamp: Date.now() + DAY,
    });
    return {
      async write(number) {
        if (!(await store.claim(use(number), DAY))) throw new Error('it was claimed before');
      },
      async last() {
        let last = 0;
        while (store.seen(use(last + 1))) last++;
        if (last !== store.size) throw new Error(`${last} of ${store.size} nonces follow each other`);
        return last;
      },
      close: () => store.close(),
    };
  },
};

const relay: FileStoreKind = {
  name: 'FileRelayStore',
  async open(options) {
    const limits = { messagesPerSender: MANY, messagesPerMailbox: MANY };
    const store = await FileRelayStore.open({ ...options, limits });
    return {
      async write(number) {
        const envelope = { from: 'alice', to: 'bob', nonce: `${number}`, payload: filler(number) };
        const outcome = await store.add({
          envelope: envelope as unknown as Envelope,
          bytes: 10,
          copiesForMs: 361_000,
        });
        if (outcome !== 'stored') throw new Error(outcome);
      },
      last: async () => lastOf(store.list('bob', '', MANY).map(({ envelope }) => Number(envelope.nonce))),
      close: () => store.close(),
    };
  },
};

const enterprise: FileStoreKind = {
  name: 'EnterpriseStore',
  async open({ path }) {
    const store = new EnterpriseStore(path, Date.now);
    const fail = async (error: unknown) => {
      await store.close();
      throw error;
    };
    await store.ready().catch(fail);
    return {
      write: (number) =>
        store.enqueue(
          { operation: 'add', did: DID, grant: { name: `${number} ${filler(number)}` } },
          'unknown',
        ),
      last: async () =>
        lastOf(
          store
            .queued()
            .map(({ write }) => Number.parseInt((write as { grant: { name: string } }).grant.name, 10)),
        ),
      close: () => store.close(),
    };
  },
};

export const FILE_STORES: readonly FileStoreKind[] = [trust, clients, mode, keys, nonces, relay, enterprise];
