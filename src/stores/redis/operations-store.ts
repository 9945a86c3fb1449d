import { defaultProvider } from '#provider';
import type { OperationsStore, StoredDocument } from '../../adapters/operations/store.js';
import type { OnWarning } from '../../agent/warnings.js';
import { encodeBase64url } from '../../util/base64url.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { escaped, unescaped } from '../ascii-json.js';
import { unavailable } from '../unavailable.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';

/** Options of {@link RedisOperationsStore}. */
export interface RedisOperationsStoreOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis), made with `redisClientOptions`; it stays yours to end. */
  readonly client: RedisClient;
  /** Before each key, 1 to 128 characters without spaces and braces. Default `xlink:operations:`. Services need prefixes of their own. */
  readonly keyPrefix?: string;
  /** How long Redis may take for one command, in ms. Default 1000. */
  readonly timeoutMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/**
 * KEYS: the hash of a kind. ARGV: the field, the expected version, what takes its place (nothing: it is removed). A change that
 * its client sent twice is the same one.
 */
const COMPARE_AND_SET = `
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found and found == ARGV[3] then return 1 end
local version = found and string.match(found, '^%d+') or '0'
if version ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1`;

const UNAVAILABLE = 'OPERATIONS_STORE_UNAVAILABLE';

/** As a list, which all clients answer alike. */
const LIST = `return redis.call('HGETALL', KEYS[1])`;

/**
 * Invitations, and how keys are used, in Redis (5 or later) or a Redis Cluster: a hash for each kind. Switch on the append-only file
 * (`appendonly yes`), and never let Redis evict (`maxmemory-policy noeviction`): an invitation that is forgotten is good for nobody.
 * Calls reject with `OPERATIONS_STORE_UNAVAILABLE`, the error of the client as `cause`.
 */
export class RedisOperationsStore implements OperationsStore {
  readonly #prefix: string;
  readonly #connection: RedisConnection<'RedisOperationsStore'>;

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisOperationsStoreOptions) {
    checkOptions('RedisOperationsStore', options, {
      client: isRedisClient,
      keyPrefix: isRedisKey,
      timeoutMs: integerIn(1, 600_000),
      onWarning: isFunction,
    });
    requireOption('RedisOperationsStore', options, 'client');
    const { client, keyPrefix = 'xlink:operations:', timeoutMs = 1000, onWarning } = options;
    this.#connection = new RedisConnection('RedisOperationsStore', { client, timeoutMs, onWarning });
    this.#prefix = this.#connection.keyPrefix + keyPrefix;
  }

  async load(id: string): Promise<StoredDocument | undefined> {
    const [key, field] = this.#place(id);
    return unavailable(async () => {
      const found = await this.#connection.call(key, ['HGET', key, field]);
      return typeof found === 'string' ? documentOf(id, found) : undefined;
    }, UNAVAILABLE);
  }

  async list(kind: string): Promise<readonly StoredDocument[]> {
    const key = this.#prefix + kind;
    return unavailable(async () => {
      const reply = (await this.#connection.call(key, ['EVAL', LIST, '1', key])) as string[];
      return reply.flatMap((field, at) =>
        at % 2 === 0 ? [documentOf(`${kind}/${unescaped(field)}`, reply[at + 1]!)] : [],
      );
    }, UNAVAILABLE);
  }

  save(id: string, json: string, expectedVersion: number): Promise<boolean> {
    const mark = encodeBase64url(defaultProvider().randomBytes(12)); // tells our write from an equal one of another instance
    return this.#change(id, expectedVersion, `${expectedVersion + 1} ${mark} ${escaped(json)}`);
  }

  remove(id: string, expectedVersion: number): Promise<boolean> {
    return this.#change(id, expectedVersion, '');
  }

  async #change(id: string, expectedVersion: number, value: string): Promise<boolean> {
    const [key, field] = this.#place(id);
    const command = ['EVAL', COMPARE_AND_SET, '1', key, field, String(expectedVersion), value] as const;
    const reply = await unavailable(() => this.#connection.call(key, command), UNAVAILABLE);
    return reply === 1;
  }

  #place(id: string): readonly [key: string, field: string] {
    const [kind, ...name] = id.split('/');
    return [this.#prefix + kind, escaped(name.join('/'))];
  }
}

function documentOf(id: string, value: string): StoredDocument {
  const [, version, json] = /^(\d{1,15}) [\w-]{16} (.*)$/s.exec(value) ?? [];
  if (version === undefined || json === undefined)
    throw new Error('Redis gave something else than a document: another program may use the key.');
  return { id, json: unescaped(json), version: Number(version) };
}
