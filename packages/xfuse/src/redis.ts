import type { Did } from '@private.me/xlink';
import type { Redis } from 'ioredis';
import { XfuseError } from './errors.js';
import type { OpenSession, SessionLedger } from './session/ledger.js';
import { checkNames, checkValue, hasMethods, isText } from './util/options.js';

/** Options of {@link RedisSessionLedger}. */
export interface RedisSessionLedgerOptions {
  /** A client of ioredis. */
  readonly client: Pick<Redis, 'eval' | 'get'>;
  /** In front of every key. Default `xfuse:`. */
  readonly prefix?: string;
  /** Ms since 1970. Default `Date.now`. */
  readonly clock?: () => number;
}

/** KEYS: session, list of the fused DID. ARGV: fused DID, session DID, end and now in ms. */
const OPEN = `
if redis.call('GET', KEYS[1]) == '' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', math.max(ARGV[3] - ARGV[4], redis.call('PTTL', KEYS[1])))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
redis.call('PEXPIRE', KEYS[2], 86400000)
return 1`;

/** KEYS: sessions. Ends them: an empty text stays for a day, as long as a session can last. */
const END = `
for _, key in ipairs(KEYS) do redis.call('SET', key, '', 'PX', 86400000) end
return 1`;

/** KEYS: list of the fused DID. Takes it away, and returns what was in it. */
const TAKE_ALL = `
local all = redis.call('ZRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1])
return all`;

/** Keeps open sessions in Redis, for all instances: what one ends is over for the others with their next look. Not for clusters. */
export class RedisSessionLedger implements SessionLedger {
  readonly #client: RedisSessionLedgerOptions['client'];
  readonly #prefix: string;
  readonly #clock: () => number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: RedisSessionLedgerOptions) {
    checkNames('RedisSessionLedger', options, ['client', 'prefix', 'clock']);
    checkValue(
      'RedisSessionLedger',
      'client',
      options.client ?? null,
      hasMethods('eval', 'get'),
      'a client of ioredis',
    );
    checkValue('RedisSessionLedger', 'prefix', options.prefix, isText, 'a text');
    this.#client = options.client;
    this.#prefix = options.prefix ?? 'xfuse:';
    this.#clock = options.clock ?? Date.now;
  }

  /** Notes a session until it expires. Rejects with `SESSION_ENDED` for one that was ended. */
  async open({ session, fused, expiresAt }: OpenSession): Promise<void> {
    const now = this.#clock();
    if (expiresAt <= now) return;
    const done = await this.#client.eval(
      OPEN,
      2,
      this.#one(session),
      this.#all(fused),
      fused,
      session,
      expiresAt,
      now,
    );
    if (done === 0) throw new XfuseError('SESSION_ENDED');
  }

  /** Whether it was noted and not ended. */
  async isOpen(session: Did, fused: Did): Promise<boolean> {
    return (await this.#client.get(this.#one(session))) === fused;
  }

  /** Ends one. */
  async end(session: Did): Promise<void> {
    await this.#client.eval(END, 1, this.#one(session));
  }

  /** Ends all of a fused DID. */
  async endAll(fused: Did): Promise<Did[]> {
    const all = (await this.#client.eval(TAKE_ALL, 1, this.#all(fused))) as Did[];
    if (all.length) await this.#client.eval(END, all.length, ...all.map((session) => this.#one(session)));
    return all;
  }

  #one(session: Did): string {
    return `${this.#prefix}session:${session}`;
  }

  #all(fused: Did): string {
    return `${this.#prefix}sessions:${fused}`;
  }
}
