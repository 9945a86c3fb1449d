// Fills in supersede.m.
import { readFileSync } from 'node:fs';
import { code } from './read-code.mjs';

const TEMPLATE = readFileSync(new URL('./supersede.m', import.meta.url), 'utf8');

/**
 * Seconds. `ahead`: how far ahead of the clock the request is dated; otherwise as far as it may be. A number is claimed for as long
 * as a nonce; `extra` is as in at-most-once.mjs.
 */
export function supersede({
  W = 2,
  B = 0,
  SKEW = 0,
  ahead = W + SKEW,
  extra = B + SKEW,
  claims = true,
  atomic = true,
  takes = true,
  looks = true,
  loses = false,
  cold = true,
}) {
  const TTL = (code.nonceTtlMs(W * 1000) - code.SLOW_BODY_MS) / 1000 + extra;
  const values = { W, B, SKEW, TTL, MADE: ahead, CLAIMS: claims, ATOMIC: atomic };
  const more = { TAKES: takes, LOOKS: looks, LOSES: loses, COLD: cold };
  return TEMPLATE.replace(/@(\w+)@/g, (_, name) => String({ ...values, ...more }[name]));
}
