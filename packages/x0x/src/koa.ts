import { type KoaMiddleware, requireThat } from '@private.me/xlink/koa';
import { callerChecks, type GuardOptions } from './bridge/caller-checks.js';
import type { X0xGuards } from './bridge/guards.js';

export type { GuardOptions, GuardSource, HumanOptions, TrustOptions } from './bridge/caller-checks.js';
export type { X0xGuards } from './bridge/guards.js';

/** The same guards for routes of Koa, behind `adapter.koa()`. Throws `INVALID_OPTION`. */
export function x0xGuards(options: GuardOptions): X0xGuards<KoaMiddleware> {
  const checks = callerChecks(options);
  return {
    requireTrust: (level, demand) => requireThat(checks.trust(level, demand)),
    requireHuman: (human) => requireThat(checks.human(human)),
  };
}
