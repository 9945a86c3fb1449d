// Fills in at-most-once.m.
import { readFileSync } from 'node:fs';
import { code } from './read-code.mjs';

const TEMPLATE = readFileSync(new URL('./at-most-once.m', import.meta.url), 'utf8');

/**
 * Seconds. `extra` is what a claim is kept longer than for this window and age alone: for `B`, which the code takes to be
 * SLOW_BODY_MS and the model, whose times are small, is told; and for `SKEW`.
 */
export function atMostOnce({
  W = 2,
  A = 3,
  B = 0,
  SKEW = 0,
  extra = B + SKEW,
  atomic = true,
  freed = false,
}) {
  const TTL = (code.nonceTtlMs(W * 1000, A * 1000) - code.SLOW_BODY_MS) / 1000 + extra;
  const values = { W, A, B, SKEW, TTL, ATOMIC: atomic, FREED: freed };
  return TEMPLATE.replace(/@(\w+)@/g, (_, name) => String(values[name]));
}
