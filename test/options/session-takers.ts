import * as root from '@private.me/xlink';
import type { Taker } from './taker.js';

const agent = await root.Agent.quickstart();

/** What takes options for sessions. */
export const SESSION_TAKERS: readonly Taker[] = [
  {
    name: 'DualModeAdapter',
    type: 'SessionOptions',
    option: 'lifetimeMs',
    call: (sessions) => new root.DualModeAdapter({ agent, legacyKeyValidator: () => null, sessions }),
  },
  {
    name: 'MemorySequenceStore',
    type: 'MemorySequenceStoreOptions',
    option: 'maxBlocks',
    call: (more) => new root.MemorySequenceStore(more),
  },
];
