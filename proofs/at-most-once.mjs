// Fills in at-most-once.m.
import { readFileSync } from 'node:fs';
import { code } from './read-code.mjs';

const TEMPLATE = readFileSync(new URL('./at-most-once.m', import.meta.url), 'utf8');

/** Seconds. `extra` is what a claim is kept longer than the code says for this window and age: for `B` and `SKEW`. */
export function atMostOnce({
  W = 2,
  A = 3,
  B = 0,
  SKEW = 0,
  extra = B + SKEW,
  atomic = true,
  freed = false,
}) {
  const TTL = code.nonceTtlMs(W * 1000, A * 1000) / 1000 + extra;
  const values = { W, A, B, SKEW, TTL, ATOMIC: atomic, FREED: freed };
  return TEMPLATE.replace(/@(\w+)@/g, (_, name) => String(values[name]));
}
