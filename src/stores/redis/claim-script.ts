import { defaultProvider } from '#provider';
import { encodeBase64url } from '../../util/base64url.js';

/**
 * Run by Redis without anything in between. KEYS: a nonce, or the place of a ticket key. ARGV: the name of the claim, how long it lasts, in ms. Returns
 * whose the nonce is now: an answer that belongs to another command can never be the name of this claim, and a claim that
 * its client sent twice is the same one.
 */
const SCRIPT = `
if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return ARGV[1] end
return redis.call('GET', KEYS[1])
`;

/** Whether a reply is the name of a claim, of whichever. */
export const isClaimName = (reply: unknown): reply is string =>
  typeof reply === 'string' && /^[\w-]{16}\.\d{1,16}$/.test(reply);

/** The names of the claims of one store. */
export class ClaimNames {
  readonly #prefix = encodeBase64url(defaultProvider().randomBytes(12));
  #count = 0;

  /** Of all stores, no other claim has or had it. */
  next(): string {
    return `${this.#prefix}.${++this.#count}`;
  }
}

export const claimCommand = (key: string, name: string, lifetimeMs: number) =>
  ['EVAL', SCRIPT, '1', key, name, String(lifetimeMs)] as const;
