import { xlinkError } from '../../errors/errors.js';

/**
 * Run by Redis without anything in between. It has one key, as a second one would fail while a slot of a cluster is moved.
 *
 * KEYS: a marker. ARGV: the run id of the server on which the caller found the bucket before, or nothing.
 *
 * A marker is `<since> <run id> <replication id> <evicted keys>`. All but the time must be true of the server now, else
 * its data may be older than its marker: restarted, it has another run id; promoted, another replication id. The marker
 * is then dated anew. INFO is asked for one section at a time, as Redis 6 knows no other way.
 */
const SCRIPT = `
local function info(section, field)
  return string.match(redis.call('INFO', section), field .. ':([^\\r\\n]*)') or ''
end
local run = info('server', 'run_id')
if run == '' then return redis.error_reply('INFO does not tell the run_id') end
local server = run .. ' ' .. info('replication', 'master_replid') .. ' ' .. info('stats', 'evicted_keys')
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local since, of = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.*)$')
local isAnew = of ~= server or (ARGV[1] ~= '' and ARGV[1] ~= run)
if isAnew then
  since = now
  redis.call('SET', KEYS[1], since .. ' ' .. server)
end
return {since .. ' ' .. server, run, now, info('memory', 'maxmemory_policy'), isAnew and 1 or 0}
`;

/** What the script says. */
export interface Verification {
  /** The marker as it is now. */
  readonly marker: string;
  readonly runId: string;
  /** The time of the server, in ms since 1970. */
  readonly now: number;
  /** `maxmemory-policy`; empty if the server does not tell. */
  readonly policy: string;
  /** Whether the marker was dated now. */
  readonly isAnew: boolean;
}

export type VerifyCommand = readonly ['EVAL', ...args: string[]];

/** `lastRunId` is that of the server on which the bucket was found before. */
export const verifyCommand = (marker: string, lastRunId = ''): VerifyCommand => [
  'EVAL',
  SCRIPT,
  '1',
  marker,
  lastRunId,
];

/** Throws `NONCE_STORE_UNAVAILABLE` for any other answer. */
export function verificationOf(reply: unknown): Verification {
  const [marker, runId, now, policy, isAnew] = Array.isArray(reply) ? reply : [];
  const isText = [marker, runId, now, policy].every((value) => typeof value === 'string');
  const isFlag = [0, 1, '0', '1'].includes(isAnew); // clients can be told to give numbers as texts
  if (!isText || !isFlag || sinceOf(marker) === undefined)
    throw nonceStoreUnavailable('Redis answered the script with something else than it returns.');
  return { marker, runId, now: Number(now), policy, isAnew: Number(isAnew) === 1 };
}

/** The time of a marker, in ms since 1970; `undefined` if it is none. */
export const sinceOf = (marker: unknown): number | undefined => {
  const found = typeof marker === 'string' ? /^(\d{1,15}) /.exec(marker) : null;
  return found ? Number(found[1]) : undefined;
};

/** An answer of Redis that means neither yes nor no. */
export const nonceStoreUnavailable = (what: string) =>
  xlinkError('NONCE_STORE_UNAVAILABLE', { cause: new TypeError(what) });
