import { MemoryOperationsStore } from '@private.me/xlink';
import { FileOperationsStore } from '@private.me/xlink/file';
import { PostgresOperationsStore, type PostgresOperationsStoreOptions } from '@private.me/xlink/postgres';
import { RedisOperationsStore, type RedisOperationsStoreOptions } from '@private.me/xlink/redis';
import { checkNames, checkValue, invalidOption, isText } from '../../util/options.js';
import { checkPlaceholders, filledPath } from '../../util/placeholders.js';
import type { StateStore } from './store.js';
import { VaultStateStore, type VaultStateStoreOptions } from './vault-store.js';

/** Where state may be kept. */
export const STATE_BACKENDS = ['memory', 'file', 'redis', 'postgres', 'vault'] as const;
/** One of {@link STATE_BACKENDS}. */
export type StateBackend = (typeof STATE_BACKENDS)[number];

/** The section `state_persistence` of a configuration file. */
export interface StatePersistence {
  /** The kind of store. */
  readonly backend: StateBackend;
  /**
   * Where in it; `{agent_id}` is replaced. `vault`: mount and folder, such as `secret/agents/{agent_id}/crypto`. `file`: a file.
   * `redis`: in front of the keys; default `xlink:operations:`. `postgres`: a table; default `xlink_operations`.
   */
  readonly path?: string | undefined;
  /** How state is sealed: `aes-256-gcm`, which is the default and all there is. */
  readonly encryption?: 'aes-256-gcm';
}

/** What a store is reached by: addresses and secrets are not in the configuration file. */
export interface StateConnections {
  /** Takes the place of `{agent_id}`: letters, digits and `. _ : -`. */
  readonly agentId?: string;
  /** For `redis`: a client made with `redisClientOptions`. */
  readonly redis?: RedisOperationsStoreOptions['client'];
  /** For `postgres`: a pool. */
  readonly postgres?: PostgresOperationsStoreOptions['pool'];
  /** For `vault`. */
  readonly vault?: Omit<VaultStateStoreOptions, 'path' | 'mount'>;
}

/** The store that a configuration names. Throws `INVALID_OPTION`. */
export function openStateStore(config: StatePersistence, connections: StateConnections = {}): StateStore {
  const owner = 'state_persistence';
  checkNames(owner, config, ['backend', 'path', 'encryption']);
  checkNames('openStateStore', connections, ['agentId', 'redis', 'postgres', 'vault']);
  const isKnown = (value: string) => STATE_BACKENDS.includes(value as StateBackend);
  checkValue(owner, 'backend', config.backend ?? '', isKnown, `one of ${STATE_BACKENDS.join(', ')}`);
  checkValue(owner, 'path', config.path, isText, 'a text');
  checkValue(owner, 'encryption', config.encryption, (value) => value === 'aes-256-gcm', 'aes-256-gcm');
  if (config.path !== undefined) checkPlaceholders(`${owner}.path`, config.path);
  const path = filledPath(owner, config.path, connections.agentId);
  switch (config.backend) {
    case 'memory':
      return new MemoryOperationsStore();
    case 'file':
      return new FileOperationsStore(given(path, 'path'));
    case 'redis': {
      const client = given(connections.redis, 'redis');
      return new RedisOperationsStore({ client, ...(path === undefined ? {} : { keyPrefix: path }) });
    }
    case 'postgres': {
      const pool = given(connections.postgres, 'postgres');
      return new PostgresOperationsStore({ pool, ...(path === undefined ? {} : { table: path }) });
    }
    case 'vault': {
      const [mount, ...folders] = given(path, 'path').split('/');
      return new VaultStateStore({
        ...given(connections.vault, 'vault'),
        mount: mount!,
        path: folders.join('/'),
      });
    }
  }
}

function given<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw invalidOption(name, `openStateStore: ${name} is needed for this backend.`);
  return value;
}
