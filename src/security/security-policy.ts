import type { Scope } from '../types/protocol.js';
import {
  anything,
  checkOptions,
  isBoolean,
  isObject,
  isString,
  isStringArray,
  type OptionChecks,
  oneOf,
  requireOption,
} from '../util/options.js';
import { type FixedSecurity, SECURITY_ORDER } from './security-mode.js';

/** What must be true of a message for a rule to apply: all that is named. Nothing named: every message. */
export interface SecurityCondition {
  /** The amount in the payload, whatever its sign, is at least this much; in the unit of the payload. */
  readonly amountAtLeast?: number;
  /** The scope is one of these, or lies below one: `custody` covers `custody:move`. */
  readonly scopes?: readonly Scope[];
  /** The option `action` of `send` is one of these. */
  readonly actions?: readonly string[];
  /** The recipient belongs to another organization than the sender, or to none that is known. */
  readonly otherOrganization?: boolean;
}

/** One rule of a policy. */
export interface SecurityRule {
  /** When it applies. */
  readonly when: SecurityCondition;
  /** The protection it asks for. */
  readonly security: FixedSecurity;
  /** Why, for people. Default: made from the condition. */
  readonly reason?: string;
}

/** Rules in any order: of those that apply, the one with the most security counts. None: `standard`. */
export type SecurityPolicy = readonly SecurityRule[];

/** What counts as high risk unless told otherwise: high value, sensitive scopes, critical actions, other organizations; 2 of 3 each. */
export const DEFAULT_SECURITY_POLICY: SecurityPolicy = [
  { when: { amountAtLeast: 100_000 }, security: 'high' },
  { when: { scopes: ['custody', 'classified'] }, security: 'high' },
  { when: { actions: ['execute'] }, security: 'high' },
  { when: { otherOrganization: true }, security: 'high' },
];

/** What a policy looks at. */
export interface SecurityFacts {
  /** Scope of the message. */
  readonly scope: Scope;
  /** Payload of the message; only its `amount`, or `amount.value`, is read. */
  readonly payload?: unknown;
  /** The option `action` of `send`. */
  readonly action?: string | undefined;
  /** Organizations as in the registry entries of both sides. */
  readonly organization?: string | undefined;
  /** The recipient's organization. */
  readonly recipientOrganization?: string | undefined;
}

/** What a policy chose. */
export interface SecurityChoice {
  /** The protection. */
  readonly security: FixedSecurity;
  /** One for each rule that asked for this much; empty if none applied. */
  readonly reasons: readonly string[];
}

/** A fact that is misspelled would make no rule apply. */
const FACTS: OptionChecks<SecurityFacts> = {
  scope: isString,
  payload: anything,
  action: isString,
  organization: isString,
  recipientOrganization: isString,
};

/** What a policy says about a message. Throws `INVALID_OPTION`. */
export function chooseSecurity(
  facts: SecurityFacts,
  policy: SecurityPolicy = DEFAULT_SECURITY_POLICY,
): SecurityChoice {
  checkOptions('chooseSecurity', facts, FACTS);
  checkSecurityPolicy('chooseSecurity', policy);
  const applying = policy.filter(({ when }) => applies(when, facts));
  const level = Math.max(0, ...applying.map(({ security }) => SECURITY_ORDER.indexOf(security)));
  const security = SECURITY_ORDER[level]!;
  const reasons = applying
    .filter((rule) => rule.security === security)
    .map(({ reason, when }) => reason ?? reasonOf(when));
  return { security, reasons };
}

/** Throws `INVALID_OPTION` for what is no policy. */
export function checkSecurityPolicy(owner: string, policy: SecurityPolicy): void {
  for (const rule of policy) {
    requireOption(owner, Object(rule), 'when');
    requireOption(owner, Object(rule), 'security');
    checkOptions(owner, rule, { when: isObject, security: oneOf(...SECURITY_ORDER), reason: isString });
    checkOptions(owner, rule.when, {
      amountAtLeast: (value) => (typeof value === 'number' && value >= 0 ? undefined : 'a number from 0 on'),
      scopes: isStringArray,
      actions: isStringArray,
      otherOrganization: isBoolean,
    });
  }
}

function applies(when: SecurityCondition, facts: SecurityFacts): boolean {
  const { amountAtLeast, scopes, actions, otherOrganization } = when;
  if (amountAtLeast !== undefined && !(amountOf(facts.payload) >= amountAtLeast)) return false;
  if (scopes && !scopes.some((scope) => facts.scope === scope || facts.scope.startsWith(`${scope}:`)))
    return false;
  if (actions && !actions.includes(facts.action ?? '')) return false;
  return otherOrganization === undefined || otherOrganization === isElsewhere(facts);
}

/** A sender that names no organization has no other ones. */
const isElsewhere = ({ organization, recipientOrganization }: SecurityFacts): boolean =>
  organization !== undefined && organization !== recipientOrganization;

/** The member `amount` of the payload, a number or a decimal text, or `amount.value`; `NaN` if there is none. */
function amountOf(payload: unknown): number {
  const amount = memberOf(payload, 'amount');
  const value = memberOf(amount, 'value') ?? amount;
  if (typeof value === 'string' && value.trim() !== '') return Math.abs(Number(value));
  return typeof value === 'number' ? Math.abs(value) : Number.NaN;
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

/** Names the rule, not the message: the reason may go to a log. */
function reasonOf({ amountAtLeast, scopes, actions, otherOrganization }: SecurityCondition): string {
  const parts = [
    amountAtLeast === undefined ? undefined : `an amount of at least ${amountAtLeast}`,
    scopes && `a scope among ${scopes.join(', ')}`,
    actions && `an action among ${actions.join(', ')}`,
    otherOrganization === undefined
      ? undefined
      : otherOrganization
        ? 'a recipient in another organization'
        : 'a recipient in the same organization',
  ].filter((part) => part !== undefined);
  return parts.length > 0 ? parts.join(' and ') : 'every message';
}
