import { defaultProvider } from '#provider';
import type { SequenceUse } from '../../session/ports.js';
import { encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { markerOf, type NonceKeys } from './nonce-keys.js';
import { nonceStoreUnavailable } from './verify-script.js';

/** Numbers in one key. */
const BLOCK_NUMBERS = 1024;

/**
 * Run by Redis without anything in between. KEYS: a block. ARGV: the bit, how long it lasts, in ms, and the number. Returns the number, and what the bit
 * was: an answer that belongs to another command has another number.
 */
const SCRIPT = `
local was = redis.call('SETBIT', KEYS[1], ARGV[1], 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {ARGV[3], was}
`;

/** The key of a block of numbers, and the marker of the bucket it belongs to. */
export async function blockOf(
  prefix: string,
  { sender, sid, seq }: Pick<SequenceUse, 'sender' | 'sid' | 'seq'>,
): Promise<NonceKeys> {
  const block = Math.floor(seq / BLOCK_NUMBERS);
  const hash = encodeBase64url(await defaultProvider().sha256(encodeUtf8(`${sender} ${sid} ${block}`)));
  const bucket = hash[0]!;
  return { key: `${prefix}{${bucket}}${hash}`, marker: markerOf(prefix, bucket) };
}

export const bitCommand = (key: string, seq: number, lifetimeMs: number) =>
  ['EVAL', SCRIPT, '1', key, String(seq % BLOCK_NUMBERS), String(lifetimeMs), String(seq)] as const;

/** What the bit was. Throws `NONCE_STORE_UNAVAILABLE` for another answer. */
export function bitOf(reply: unknown, seq: number): 0 | 1 {
  const [said, was] = Array.isArray(reply) ? reply : [];
  if (String(said) === String(seq) && [0, 1, '0', '1'].includes(was)) return Number(was) as 0 | 1;
  throw nonceStoreUnavailable('Redis did not say whether the number was used.');
}
