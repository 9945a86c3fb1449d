import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryTrustRegistry } from '@private.me/xlink';
import { createEnterpriseTrustRegistry, createRegistryServer } from '@private.me/xlink/server';
import { describeRegistry } from '../../registry/conformance.js';
import { listen } from '../../support/http.js';

const TOKEN = 'token-canary-2b8e61f0';

describeRegistry('createEnterpriseTrustRegistry', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-enterprise-'));
  const handler = createRegistryServer({ registry: new MemoryTrustRegistry(), adminToken: TOKEN });
  const { port } = await listen(createServer(handler));
  const open = (name: string) =>
    createEnterpriseTrustRegistry({
      http: { baseUrl: `http://127.0.0.1:${port}`, authToken: TOKEN },
      file: { path: join(folder, name) },
    });
  const [registry, another] = [open('a.jsonl'), open('b.jsonl')];
  return {
    registry,
    another: async () => another,
    async close() {
      await Promise.all([registry.close(), another.close()]);
      await rm(folder, { recursive: true, maxRetries: 10 });
    },
  };
});
