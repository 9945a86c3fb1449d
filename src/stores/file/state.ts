import { join } from 'node:path';
import type { Identity } from '../../identity/identity.js';
import { checkOptions, isString, requireOption } from '../../util/options.js';
import { FileClientStore } from './client-store.js';
import { identityFromFile } from './identity.js';
import { FileModeStore } from './mode-store.js';
import { FileNonceStore } from './nonce-store.js';
import { FileOperationsStore } from './operations-store.js';
import { FileTrustRegistry } from './trust-registry.js';

/** All that an API of one process keeps, in files: what {@link openFileState} opens. */
export interface FileState {
  /** For `new Agent(agent)`: who the API is (`api-identity.der`), which callers are enrolled (`registry.jsonl`), what was accepted once (`nonces.jsonl`). */
  readonly agent: {
    readonly identity: Identity;
    readonly registry: FileTrustRegistry;
    readonly nonceStore: FileNonceStore;
  };
  /** For the adapter: who uses what (`clients.jsonl`). */
  readonly clients: FileClientStore;
  /** For a `SharedMode`: the mode after a restart (`mode.jsonl`). */
  readonly modes: FileModeStore;
  /** For the adapter: invitations, and which programs send keys (`operations.jsonl`). */
  readonly operations: FileOperationsStore;
  /** Closes all of them. Call `adapter.close()` first, which writes the last counts. */
  close(): Promise<void>;
}

/**
 * Opens the state of an API of one process in a folder, and makes what is not there: the folder with mode 0700, the files with mode
 * 0600. The identity is made once; keep it secret, and in your backups. Several processes share Redis or PostgreSQL instead
 * (docs/stores.md). Rejects with `INVALID_OPTION`, `INVALID_PKCS8` or a `FileStoreError`, also while another process has the files open.
 */
export async function openFileState(folder: string): Promise<FileState> {
  checkOptions('openFileState', { folder }, { folder: isString });
  requireOption('openFileState', { folder }, 'folder');
  const path = (name: string) => join(folder, name);
  const nonceStore = await FileNonceStore.open({ path: path('nonces.jsonl') });
  const clients = await FileClientStore.open(path('clients.jsonl'));
  const registry = new FileTrustRegistry({ path: path('registry.jsonl') });
  const modes = new FileModeStore(path('mode.jsonl'));
  const operations = new FileOperationsStore(path('operations.jsonl'));
  const identity = await identityFromFile(path('api-identity.der'));
  return {
    agent: { identity, registry, nonceStore },
    clients,
    modes,
    operations,
    async close() {
      for (const store of [operations, modes, clients, nonceStore, registry]) await store.close();
    },
  };
}
