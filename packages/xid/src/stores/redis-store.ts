import { XidError } from '../errors.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption } from '../util/options.js';
import type { XidGroup, XidStore, XidStored } from './store.js';

/** What is used of a client of `ioredis`. */
export interface XidRedisClient {
  /** Sends a command. */
  call(command: string, ...args: (string | number)[]): Promise<unknown>;
}

/** Options of {@link RedisXidStore}. */
export interface RedisXidStoreOptions {
  /** A client of `ioredis` with one master, no cluster; it stays yours to end. */
  readonly client: XidRedisClient;
  /** In front of every key, 1 to 64 characters without spaces. Default `xid:`. */
  readonly keyPrefix?: string;
  /** How long Redis may take for one call, in ms. Default 1000. */
  readonly timeoutMs?: number;
}

// An entry is its end, a space and its text, so that the clock of the callers counts, and that of Redis only removes what is over.
// A group is a sorted set of keys by the time at which each ends, so that what is over leaves it before it is counted.
const ADD = `
local there = redis.call('GET', KEYS[1])
if there and tonumber(string.match(there, '^%d+')) > tonumber(ARGV[3]) then return 'taken' end
if ARGV[4] ~= '' then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[3])
  if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 'full' end
  redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
  local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', KEYS[2], last[2])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[5])
return 'added'`;

// The place in the group moves with the end of the entry: otherwise the group would lose it while it is in force.
const SET = `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[2], last[2])
return 'set'`;

const EXTEND = `
local there = redis.call('GET', KEYS[1])
if there and tonumber(string.match(there, '^%d+')) >= tonumber(ARGV[2]) then return 'kept' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 'set'`;

/**
 * In Redis (5 or later), for the instances of a service. What is added is added by a script, so by one of them. Redis must not evict
 * (`maxmemory-policy noeviction`), and must keep what it acknowledged: a spent token that it forgets is good once more, until its epoch is over.
 */
export class RedisXidStore implements XidStore {
  readonly #client: XidRedisClient;
  readonly #prefix: string;
  readonly #timeoutMs: number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: RedisXidStoreOptions) {
    const OWNER = 'RedisXidStore';
    checkNames(OWNER, options, ['client', 'keyPrefix', 'timeoutMs']);
    const { client, keyPrefix = 'xid:', timeoutMs = 1000 } = options;
    if (!hasMethods('call')(client))
      throw invalidOption('client', `${OWNER}: client must be a client of ioredis.`);
    checkValue(
      OWNER,
      'keyPrefix',
      keyPrefix,
      (text) => /^\S{1,64}$/.test(text),
      '1 to 64 characters without spaces',
    );
    checkValue(OWNER, 'timeoutMs', timeoutMs, integerIn(1, 60_000), 'a whole number of ms from 1 to 60000');
    this.#client = client;
    this.#prefix = keyPrefix;
    this.#timeoutMs = timeoutMs;
  }

  async get(keys: readonly string[], now: number): Promise<readonly (string | undefined)[]> {
    const answer = (await this.#ask('MGET', ...keys.map((key) => this.#prefix + key))) as (string | null)[];
    return answer.map((text) => {
      const [, until, value] = /^(\d+) (.*)$/s.exec(text ?? '') ?? [];
      return Number(until) > now ? value : undefined;
    });
  }

  async add(
    key: string,
    { value, until }: XidStored,
    now: number,
    group?: XidGroup,
  ): Promise<'added' | 'taken' | 'full'> {
    if (until <= now) return 'added'; // it is over before it begins
    const place = this.#prefix + key;
    const answer = await this.#ask(
      'EVAL',
      ADD,
      2,
      place,
      this.#groupKey(group?.name ?? ''),
      `${until} ${value}`,
      until,
      now,
      group ? group.max : '',
      Math.ceil(until - now),
    );
    if (answer === 'added' || answer === 'taken' || answer === 'full') return answer;
    throw new XidError('STORE_UNAVAILABLE', {
      cause: new Error('Redis gave an answer that is not understood.'),
    });
  }

  async set(key: string, { value, until }: XidStored, now: number, group?: string): Promise<void> {
    if (until <= now) return this.remove(key, group);
    const place = this.#prefix + key;
    const text = `${until} ${value}`;
    const left = Math.ceil(until - now);
    if (group === undefined) await this.#ask('SET', place, text, 'PX', left);
    else await this.#ask('EVAL', SET, 2, place, this.#groupKey(group), text, until, left);
  }

  async extend(key: string, { value, until }: XidStored, now: number): Promise<void> {
    if (until <= now) return;
    await this.#ask(
      'EVAL',
      EXTEND,
      1,
      this.#prefix + key,
      `${until} ${value}`,
      until,
      Math.ceil(until - now),
    );
  }

  async remove(key: string, group?: string): Promise<void> {
    await this.#ask('DEL', this.#prefix + key);
    if (group !== undefined) await this.#ask('ZREM', this.#groupKey(group), this.#prefix + key);
  }

  async count(group: string, now: number): Promise<number> {
    return Number(await this.#ask('ZCOUNT', this.#groupKey(group), `(${now}`, '+inf'));
  }

  #groupKey(group: string): string {
    return `${this.#prefix}group:${group}`;
  }

  async #ask(command: string, ...args: (string | number)[]): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`Redis did not answer within ${this.#timeoutMs} ms.`)),
        this.#timeoutMs,
      );
    });
    try {
      return await Promise.race([this.#client.call(command, ...args), late]);
    } catch (cause) {
      throw new XidError('STORE_UNAVAILABLE', { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}
