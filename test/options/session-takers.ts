import * as root from '@private.me/xlink';
import * as postgres from '@private.me/xlink/postgres';
import * as redis from '@private.me/xlink/redis';
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
    name: 'DualModeAdapter',
    type: 'CheckpointOptions',
    option: 'requests',
    call: (checkpoints) =>
      new root.DualModeAdapter({ agent, legacyKeyValidator: () => null, sessions: { checkpoints } }),
  },
  {
    name: 'Agent.middleware',
    type: 'MessageSessionOptions',
    option: 'lifetimeMs',
    call: (sessions) => agent.middleware({ sessions }),
  },
  {
    name: 'MemoryLeafStore',
    type: 'MemoryLeafStoreOptions',
    option: 'maxLeaves',
    call: (more) => new root.MemoryLeafStore(more),
  },
  {
    name: 'MemorySequenceStore',
    type: 'MemorySequenceStoreOptions',
    option: 'maxBlocks',
    call: (more) => new root.MemorySequenceStore(more),
  },
  {
    name: 'RedisLeafStore',
    type: 'RedisLeafStoreOptions',
    option: 'client',
    call: (more) => new redis.RedisLeafStore(more as never),
  },
  {
    name: 'RedisSequenceStore',
    type: 'RedisSequenceStoreOptions',
    option: 'client',
    call: (more) => new redis.RedisSequenceStore(more as never),
  },
  {
    name: 'RedisTicketKeyStore',
    type: 'RedisTicketKeyStoreOptions',
    option: 'client',
    call: (more) => new redis.RedisTicketKeyStore(more as never),
  },
  {
    name: 'PostgresNonceStore',
    type: 'PostgresNonceStoreOptions',
    option: 'ttlSeconds',
    call: (more) => new postgres.PostgresNonceStore(more as never),
  },
  {
    name: 'PostgresLeafStore',
    type: 'PostgresLeafStoreOptions',
    option: 'pool',
    call: (more) => new postgres.PostgresLeafStore(more as never),
  },
  {
    name: 'PostgresSequenceStore',
    type: 'PostgresSequenceStoreOptions',
    option: 'pool',
    call: (more) => new postgres.PostgresSequenceStore(more as never),
  },
  {
    name: 'PostgresTicketKeyStore',
    type: 'PostgresTicketKeyStoreOptions',
    option: 'pool',
    call: (more) => new postgres.PostgresTicketKeyStore(more as never),
  },
];
