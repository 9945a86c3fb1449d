import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileTrustRegistry } from '@private.me/xlink';
import { describeRegistry } from '../../registry/conformance.js';

describeRegistry('FileTrustRegistry', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-registry-'));
  const registry = new FileTrustRegistry({ path: join(folder, 'trust.jsonl') });
  return {
    registry,
    async close() {
      await registry.close();
      await rm(folder, { recursive: true, maxRetries: 10 });
    },
  };
});
