import { xlinkError } from '../../errors/errors.js';
import type { AddOutcome, Posted, RelayStore } from '../../relay/store.js';
import type { Delivery } from '../../transport/relay-protocol.js';
import type { Did, Envelope } from '../../types/protocol.js';
import { unref } from '../../util/backoff.js';
import {
  checkOptions,
  integerIn,
  isObject,
  type OptionCheck,
  type OptionChecks,
  requireOption,
} from '../../util/options.js';

/** What is used of a client of the package `ioredis`. */
export interface IoredisCommands {
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** What is used of a client of the package `redis`. */
export interface NodeRedisCommands {
  sendCommand(args: string[]): Promise<unknown>;
}

/** Options of {@link RedisRelayStore}. */
export interface RedisRelayStoreOptions {
  /** A connected client of `ioredis` or `redis`, which the application closes. Not a cluster: a message touches three keys. */
  readonly client: IoredisCommands | NodeRedisCommands;
  /** In front of every key. Default `relay:`. */
  readonly keyPrefix?: string;
  /** Messages that wait for one recipient. Default 10 000. */
  readonly messagesPerMailbox?: number;
  /** Messages of one sender that wait, whoever they are for. Default 2500. */
  readonly messagesPerSender?: number;
  /** How long a message waits, in ms. Default and at most 7 days. */
  readonly lifetimeMs?: number;
  /** How long one relay takes to notice what came to another, in ms. Default 500. */
  readonly pollMs?: number;
}

const DAY_MS = 86_400_000;
const isClient: OptionCheck = (value) =>
  isObject(value) === undefined &&
  ['call', 'sendCommand'].some((name) => typeof (value as Record<string, unknown>)[name] === 'function')
    ? undefined
    : 'a connected client of ioredis or redis';
const isPrefix: OptionCheck = (value) =>
  typeof value === 'string' && /^[^\s{}]{0,128}$/.test(value)
    ? undefined
    : 'a text without spaces and braces';

const CHECKS: OptionChecks<RedisRelayStoreOptions> = {
  client: isClient,
  keyPrefix: isPrefix,
  messagesPerMailbox: integerIn(1, 10_000_000),
  messagesPerSender: integerIn(1, 10_000_000),
  lifetimeMs: integerIn(1, 7 * DAY_MS),
  pollMs: integerIn(1, 60_000),
};

/**
 * Adds a message unless it is there or a quota is used up; in one step, so two relays cannot both find room. KEYS: stream,
 * nonces of the stream, waiting messages by sender.
 */
const ADD = `
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
local life = tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - life)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - life)
redis.call('XTRIM', KEYS[1], 'MINID', now - life)
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 'known' end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[4]) then return 'sender-full' end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 'mailbox-full' end
local id = redis.call('XADD', KEYS[1], '*', 'e', ARGV[2], 'f', KEYS[3])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZADD', KEYS[3], now, KEYS[1] .. ' ' .. id)
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], life) end
return 'stored'`;

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
 */
export class RedisRelayStore implements RelayStore {
  readonly #options: RedisRelayStoreOptions;
  readonly #prefix: string;

  /** Throws `INVALID_OPTION`. */
  constructor(options: RedisRelayStoreOptions) {
    checkOptions('RedisRelayStore', options, CHECKS);
    requireOption('RedisRelayStore', options, 'client');
    this.#options = options;
    this.#prefix = options.keyPrefix ?? 'relay:';
  }

  async add({ envelope }: Posted): Promise<AddOutcome> {
    const { messagesPerMailbox = 10_000, messagesPerSender = 2500 } = this.#options;
    const { from, to, nonce } = envelope;
    const keys = [this.#key('in', to), this.#key('nonces', to), this.#key('out', from)];
    const limits = [messagesPerMailbox, messagesPerSender, this.#lifetimeMs].map(String);
    const reply = await this.#ask(
      'EVAL',
      ADD,
      '3',
      ...keys,
      `${from} ${nonce}`,
      JSON.stringify(envelope),
      ...limits,
    );
    const outcome = String(reply);
    if (['stored', 'known', 'sender-full', 'mailbox-full'].includes(outcome)) return outcome as AddOutcome;
    throw unexpected();
  }

  async list(to: Did, after: string, max: number): Promise<readonly Delivery[]> {
    const time = await this.#ask('TIME');
    if (!Array.isArray(time)) throw unexpected();
    const oldest = String(Math.max(0, Number(time[0]) * 1000 - this.#lifetimeMs));
    const start = after === '' || Number(after.split('-')[0]) < Number(oldest) ? oldest : `(${after}`;
    const reply = await this.#ask('XRANGE', this.#key('in', to), start, '+', 'COUNT', String(max));
    if (!Array.isArray(reply)) throw unexpected();
    return reply.map((entry) => deliveryOf(entry));
  }

  async ack(to: Did, ids: readonly string[]): Promise<void> {
    await this.#ask('EVAL', ACK, '1', this.#key('in', to), ...ids);
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

  #ask(command: string, ...args: string[]): Promise<unknown> {
    const { client } = this.#options;
    return 'call' in client ? client.call(command, ...args) : client.sendCommand([command, ...args]);
  }
}

const unexpected = () =>
  xlinkError('RELAY_UNAVAILABLE', { cause: new TypeError('an unexpected answer of Redis') });

function deliveryOf(entry: unknown): Delivery {
  const [id, fields] = entry as [unknown, unknown];
  if (typeof id !== 'string' || !Array.isArray(fields) || fields[0] !== 'e') throw unexpected();
  return { id, envelope: JSON.parse(String(fields[1])) as Envelope };
}
