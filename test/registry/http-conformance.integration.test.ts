import { createServer } from 'node:http';
import { HttpTrustRegistry, MemoryTrustRegistry } from '@private.me/xlink';
import { createRegistryServer } from '@private.me/xlink/server';
import { listen } from '../support/http.js';
import { describeRegistry } from './conformance.js';

const TOKEN = 'token-canary-2b8e61f0';

describeRegistry('HttpTrustRegistry', async () => {
  const handler = createRegistryServer({ registry: new MemoryTrustRegistry(), adminToken: TOKEN });
  const { port } = await listen(createServer(handler));
  const open = () => new HttpTrustRegistry({ baseUrl: `http://127.0.0.1:${port}`, authToken: TOKEN });
  const registry = open();
  return { registry, another: async () => open(), close: async () => registry.close() };
});
