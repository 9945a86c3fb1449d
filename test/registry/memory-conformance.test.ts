import { MemoryTrustRegistry } from '@private.me/xlink';
import { describeRegistry } from './conformance.js';

describeRegistry('MemoryTrustRegistry', async () => ({
  registry: new MemoryTrustRegistry(),
  close: async () => {},
}));
