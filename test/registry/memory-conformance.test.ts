import { MemoryTrustRegistry } from '../../src/registry/memory.js';
import { describeRegistry } from './conformance.js';

describeRegistry('MemoryTrustRegistry', async () => ({
  registry: new MemoryTrustRegistry(),
  close: async () => {},
}));
