import { xlinkError } from '../errors/errors.js';
import { type FixedSecurity, type SecurityMode, SHARES_OF } from '../security/security-mode.js';
import { chooseSecurity, type SecurityPolicy } from '../security/security-policy.js';
import type { AgentContext } from './context.js';
import type { EnvelopeOptions } from './envelope-options.js';
import type { PreparedMessage } from './open-shares.js';
import type { SecurityOptions } from './security.js';

/** What the options, the policy and the recipient come to. */
export function securityModeOf(
  context: AgentContext,
  policy: SecurityPolicy,
  options: EnvelopeOptions & SecurityOptions,
  prepared: PreparedMessage,
): SecurityMode {
  const { level, reasons, shares } = levelOf(context, policy, options, prepared);
  if (level === 'standard') return { type: 'standard', level, ...(reasons ? { reasons } : {}) };
  if (prepared.signedOnly)
    throw xlinkError('INVALID_OPTION', {
      field: 'security',
      hint: 'send: shares hide a payload that signedOnly sends in the clear; leave one of the two out.',
    });
  const isXchange = options.xchange === true && takesXchange(context, options, prepared);
  const kind = isXchange
    ? ({ type: 'xchange', level: 'performance' } as const)
    : ({ type: 'split', level } as const);
  return { ...kind, shares: shares ?? SHARES_OF[level], ...(reasons ? { reasons } : {}) };
}

interface Level {
  readonly level: FixedSecurity;
  readonly reasons?: readonly string[];
  readonly shares?: SecurityMode['shares'];
}

function levelOf(
  context: AgentContext,
  policy: SecurityPolicy,
  options: EnvelopeOptions & SecurityOptions,
  { recipient, draft, signedOnly }: PreparedMessage,
): Level {
  const { splitChannel, splitChannelConfig: config, action, payload } = options;
  if (splitChannel !== undefined || config) {
    const option = config ? 'splitChannelConfig' : 'splitChannel';
    context.warn({ type: 'deprecated-option', option, use: 'security' });
    if (splitChannel === false) return { level: 'standard' };
    const { totalShares: total = 3, threshold = 2 } = config ?? {};
    return { level: 'high', shares: { total, threshold } };
  }
  const wanted = options.security ?? (options.xchange ? 'high' : context.security);
  if (wanted !== 'auto') return { level: wanted };
  if (signedOnly) return { level: 'standard', reasons: ['a signed-only message hides nothing'] };
  const { organization } = context;
  const recipientOrganization = recipient.entry.organization;
  const facts = { scope: draft.scope, payload, action, organization, recipientOrganization };
  const { security: level, reasons } = chooseSecurity(facts, policy);
  return { level, reasons };
}

function takesXchange(
  { xchange }: AgentContext,
  { version }: EnvelopeOptions,
  { recipient }: PreparedMessage,
): boolean {
  const fail = (hint: string) => xlinkError('INVALID_OPTION', { field: 'xchange', hint });
  if (!xchange) throw fail('send: xchange needs an agent made with xchange: true.');
  if (version !== undefined) throw fail('send: Xchange has one version only; leave version out.');
  return recipient.entry.xchange === true;
}
