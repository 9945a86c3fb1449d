import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryClientStore } from '@private.me/xlink';
import { FileClientStore } from '@private.me/xlink/file';
import { describeClientStore } from './client-store-conformance.js';

// Their rejection means that nothing happened, so they need not recognize a batch.
describeClientStore(
  'MemoryClientStore',
  async () => ({ store: new MemoryClientStore(), close: async () => {} }),
  { remembersBatches: false },
);

describeClientStore(
  'FileClientStore',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'xlink-clients-'));
    const store = await FileClientStore.open(join(folder, 'clients.jsonl'));
    return {
      store,
      async close() {
        await store.close();
        await rm(folder, { recursive: true, maxRetries: 10 });
      },
    };
  },
  { remembersBatches: false },
);
