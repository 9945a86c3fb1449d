import { checkSecurityPolicy, DEFAULT_SECURITY_POLICY } from '../security/security-policy.js';
import { ShareCollector } from '../split-channel/collector.js';
import { type ShareLimits, shareLimits } from '../split-channel/share-limits.js';
import { hasMethods, isObject } from '../util/options.js';
import type { AgentContext } from './context.js';
import type { OpenShares } from './open-shares.js';
import { gatherShares } from './receive-shares.js';
import { securityModeOf } from './security-mode-of.js';
import type { AgentSecurityOptions, ShareChecks } from './security-options.js';
import { sendShares } from './send-shares.js';

/**
 * Messages in shares (docs/split-channel.md), for an agent that takes them and may send some. An agent for callers of APIs
 * is made without: requests never come in shares, and what it takes to split and join them is an eighth of all its code.
 */
export interface ShareSupport {
  readonly checks: ShareChecks;
  open(options: AgentSecurityOptions, context: AgentContext): OpenShares;
}

export const SHARES: ShareSupport = {
  checks: {
    audit: hasMethods('append'),
    securityPolicy(value) {
      if (!Array.isArray(value)) return 'an array of rules';
      checkSecurityPolicy('securityPolicy', value);
      return undefined;
    },
    shareLimits(value) {
      const complaint = isObject(value);
      if (!complaint) shareLimits(value as ShareLimits);
      return complaint;
    },
  },
  open(options, context) {
    const { identity, clock, warn } = context;
    const policy = options.securityPolicy ?? DEFAULT_SECURITY_POLICY;
    const limits = shareLimits(options.shareLimits);
    const collector = new ShareCollector(
      identity.crypto,
      clock,
      limits,
      ({ sender, shares, threshold: needed }, reason) =>
        warn({ type: 'shares-dropped', reason, sender, arrived: shares.size, needed }),
    );
    return {
      modeOf: (send, prepared) => securityModeOf(context, policy, send, prepared),
      send: (prepared, mode, send) => sendShares(context, prepared, mode, send),
      gather: (envelope, opened, use, receive) =>
        gatherShares(context, collector, envelope, opened, use, receive),
    };
  },
};
