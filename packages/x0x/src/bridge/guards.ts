import { type ExpressMiddleware, requireThat } from '@private.me/xlink';
import type { TrustLevel } from '../trust/levels.js';
import { callerChecks, type GuardOptions, type HumanOptions, type TrustOptions } from './caller-checks.js';

/** Guards for routes of Express, behind `adapter.middleware()`. */
export interface X0xGuards<Middleware = ExpressMiddleware> {
  /**
   * Lets an agent in that is a contact of at least this level and, if it is pinned to machines, proves that it is on one of them with the
   * header `x0x-machine`. Others get `CALLER_REFUSED` with a reason: `XLINK_REQUIRED`, `AGENT_UNKNOWN`, `AGENT_REVOKED`, `AGENT_BLOCKED`,
   * `MACHINE_PROOF_MISSING`, `MACHINE_PROOF_INVALID`, `MACHINE_MISMATCH`, `MACHINE_NOT_PINNED` or `TRUST_TOO_LOW`.
   */
  readonly requireTrust: (level: TrustLevel, options?: TrustOptions) => Middleware;
  /**
   * Lets an agent in that a human vouches for: it announced itself lately with her certificate, which counts now. Others get
   * `CALLER_REFUSED` with `HUMAN_REQUIRED` or `OTHER_HUMAN`, or a reason as above.
   */
  readonly requireHuman: (options?: HumanOptions) => Middleware;
}

/** Guards that ask an instance about agents. Throws `INVALID_OPTION`. */
export function x0xGuards(options: GuardOptions): X0xGuards {
  const checks = callerChecks(options);
  return {
    requireTrust: (level, demand) => requireThat(checks.trust(level, demand)),
    requireHuman: (human) => requireThat(checks.human(human)),
  };
}
