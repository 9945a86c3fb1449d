import type { OnWarning } from '../../agent/warnings.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { AddOutcome, Posted, RelayStore } from '../../relay/store.js';
import type { Delivery } from '../../transport/relay-protocol.js';
import type { Did, Envelope } from '../../types/protocol.js';
import { unref } from '../../util/backoff.js';
import {
  checkOptions,
  integerIn,
  isFunction,
  type OptionCheck,
  type OptionChecks,
  requireOption,
} from '../../util/options.js';
import { unavailable } from '../unavailable.js';
import { isCluster, isRedisClient, type RedisClient } from './client.js';
import type { RedisCommand } from './commands.js';
import { RedisConnection } from './connection.js';

/** Options of {@link RedisRelayStore}. */
export interface RedisRelayStoreOptions {
  /**
   * A client or cluster of `ioredis` or `redis` (node-redis), made with `redisClientOptions`; it stays yours to end. In a
   * cluster all that waits is on one node, as a message touches three keys: they begin with `{relay}`.
   */
  readonly client: RedisClient;
  /** In front of every key. Default `relay:`. */
  readonly keyPrefix?: string;
  /** Messages that wait for one recipient. Default 10 000. */
  readonly messagesPerMailbox?: number;
  /** Messages of one sender that wait, for all recipients together. Default 2500. */
  readonly messagesPerSender?: number;
  /** How long a message waits, in ms. Default and at most 7 days. */
  readonly lifetimeMs?: number;
  /** How long one relay takes to notice what came to another, in ms. Default 500. */
  readonly pollMs?: number;
  /** How long Redis may take for one command, in ms. Default 1000. */
  readonly timeoutMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

const DAY_MS = 86_400_000;
const isPrefix: OptionCheck = (value) =>
  typeof value === 'string' && /^[^\s{}]{0,128}$/.test(value)
    ? undefined
    : 'a string of 0-128 characters without spaces and braces';

const CHECKS: OptionChecks<RedisRelayStoreOptions> = {
  client: isRedisClient,
  keyPrefix: isPrefix,
  messagesPerMailbox: integerIn(1, 10_000_000),
  messagesPerSender: integerIn(1, 10_000_000),
  lifetimeMs: integerIn(1, 7 * DAY_MS),
  pollMs: integerIn(1, 60_000),
  timeoutMs: integerIn(1, 600_000),
  onWarning: isFunction,
};

/**
 * Adds a message unless it is known or a quota is used up; in one step, so two relays cannot both find room. KEYS: stream,
 * nonces of the stream by the time until which copies may come, waiting messages by sender.
 */
const ADD = `
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
local life = tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - life)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('XTRIM', KEYS[1], 'MINID', now - life)
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 'known' end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[4]) then return 'sender-full' end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 'mailbox-full' end
local id = redis.call('XADD', KEYS[1], '*', 'e', ARGV[2], 'f', KEYS[3], 'r', ARGV[7])
redis.call('ZADD', KEYS[2], now + ARGV[6], ARGV[1])
redis.call('ZADD', KEYS[3], now, KEYS[1] .. ' ' .. id)
redis.call('PEXPIRE', KEYS[1], life)
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[2], ARGV[6]) end
redis.call('PEXPIRE', KEYS[3], life)
return 'stored'`;

/** The oldest messages behind one that have not expired. KEYS: stream. */
const LIST = `
local t = redis.call('TIME'); local oldest = math.max(0, t[1] * 1000 + math.floor(t[2] / 1000) - ARGV[1])
local after = tonumber(string.match(ARGV[2], '^%d+'))
local start = (after and after >= oldest) and '(' .. ARGV[2] or string.format('%.0f', oldest)
return redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', ARGV[3])`;

/** Removes messages of a stream and gives their senders the room back. The sender's key is in the message. KEYS: stream. */
const ACK = `
for i = 1, #ARGV do
  local found = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])
  if found[1] then
    redis.call('ZREM', found[1][2][4], KEYS[1] .. ' ' .. ARGV[i])
    redis.call('XDEL', KEYS[1], ARGV[i])
  end
end
return redis.status_reply('OK')`;

/**
 * Mailboxes as Redis Streams, for several relays behind one address: a message that came to one is fetched from any. What
 * Redis promises is what the relay promises: `appendonly yes` with `appendfsync always` for what must survive a power
 * cut, `maxmemory-policy noeviction`, and a failover may lose the last moments. Times are those of the Redis server.
 *
 * Calls reject with `RELAY_UNAVAILABLE`, the error of the client as `cause`.
 */
export class RedisRelayStore implements RelayStore {
  readonly #options: RedisRelayStoreOptions;
  readonly #prefix: string;
  readonly #connection: RedisConnection<'RedisRelayStore'>;

  /** Throws `INVALID_OPTION`. */
  constructor(options: RedisRelayStoreOptions) {
    checkOptions('RedisRelayStore', options, CHECKS);
    requireOption('RedisRelayStore', options, 'client');
    this.#options = options;
    const { client, keyPrefix = 'relay:', timeoutMs = 1000, onWarning } = options;
    this.#connection = new RedisConnection('RedisRelayStore', { client, timeoutMs, onWarning });
    this.#prefix = this.#connection.keyPrefix + (isCluster(client) ? '{relay}' : '') + keyPrefix;
  }

  async add({ envelope, copiesForMs, receipt }: Posted): Promise<AddOutcome> {
    const { messagesPerMailbox = 10_000, messagesPerSender = 2500 } = this.#options;
    const { from, to } = envelope;
    const keys = [this.#key('in', to), this.#key('nonces', to), this.#key('out', from)];
    const numbers = [messagesPerMailbox, messagesPerSender, this.#lifetimeMs, copiesForMs].map(String);
    const reply = await this.#run(ADD, keys, [
      nameOf(envelope),
      JSON.stringify(envelope),
      ...numbers,
      receipt ? '1' : '0',
    ]);
    const outcome = String(reply);
    if (['stored', 'known', 'sender-full', 'mailbox-full'].includes(outcome)) return outcome as AddOutcome;
    throw unexpected();
  }

  async knows(envelope: Envelope): Promise<boolean> {
    const key = this.#key('nonces', envelope.to);
    return (await this.#call(key, ['ZSCORE', key, nameOf(envelope)])) !== null;
  }

  async list(to: Did, after: string, max: number): Promise<readonly Delivery[]> {
    const reply = await this.#run(
      LIST,
      [this.#key('in', to)],
      [String(this.#lifetimeMs), after, String(max)],
    );
    if (!Array.isArray(reply)) throw unexpected();
    return reply.map((entry) => deliveryOf(entry));
  }

  async ack(to: Did, ids: readonly string[]): Promise<void> {
    await this.#run(ACK, [this.#key('in', to)], ids);
  }

  /** Looks again and again: Redis could tell at once, but only over a connection for each mailbox. */
  watch(_to: Did, wake: () => void): () => void {
    const timer = setInterval(wake, this.#options.pollMs ?? 500);
    unref(timer);
    return () => clearInterval(timer);
  }

  /** Redis removes what has expired. */
  sweep(): void {}

  async close(): Promise<void> {}

  get #lifetimeMs(): number {
    return this.#options.lifetimeMs ?? 7 * DAY_MS;
  }

  #key(kind: 'in' | 'nonces' | 'out', did: Did): string {
    return `${this.#prefix}${kind}:${did}`;
  }

  #run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.#call(keys[0]!, ['EVAL', script, String(keys.length), ...keys, ...args]);
  }

  #call(key: string, command: RedisCommand<'RedisRelayStore'>): Promise<unknown> {
    return unavailable(() => this.#connection.call(key, command), 'RELAY_UNAVAILABLE');
  }
}

/** Of an envelope in the mailbox that it is for. */
const nameOf = ({ from, nonce }: Envelope): string => `${from} ${nonce}`;

const unexpected = () =>
  xlinkError('RELAY_UNAVAILABLE', { cause: new TypeError('an unexpected answer of Redis') });

function deliveryOf(entry: unknown): Delivery {
  const [id, fields] = entry as [unknown, unknown];
  if (typeof id !== 'string' || !Array.isArray(fields) || fields[0] !== 'e') throw unexpected();
  const envelope = JSON.parse(String(fields[1])) as Envelope;
  return fields[5] === '1' ? { id, envelope, receipt: true } : { id, envelope };
}
