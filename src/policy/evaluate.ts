import type { PolicyRequest } from '../types/policy.js';
import type { Scope } from '../types/protocol.js';
import { factsOf } from './facts.js';
import type { Match, ReadyRule } from './match.js';
import { effectOf, type PolicyEffect, type PolicyLimits, type PolicyRequirement } from './rule.js';

/** What one rule says of a request. */
export interface RuleVerdict {
  /** The name of the rule. */
  readonly rule: string;
  /** Whether it is about the request. `maybe`: something that it asks about is unknown; that burdens the request, and never lets it through. */
  readonly match: Match;
  /** Members of the rule that do not agree. */
  readonly not: readonly string[];
  /** The scope of the request that it was judged for; absent for a request without scopes. */
  readonly scope?: Scope;
  /** What the rule does. `require`: it has `require` or `limits` and no `effect`, and lets nothing through. */
  readonly effect: PolicyEffect;
  /** `why` of the rule. */
  readonly why?: string;
}

/** What the rules say of a request, before anything is asked, counted or written. */
export interface PolicyVerdict {
  /** `deny` is final; `allow` holds if all of `require` and `limits` are met. */
  readonly effect: 'allow' | 'deny';
  /** The rule that decided; absent where it was `otherwise`. */
  readonly rule?: string;
  /** In a sentence. */
  readonly why: string;
  /** What has to be met, and by which rule. */
  readonly require: readonly { readonly requirement: PolicyRequirement; readonly rule: string }[];
  /** What is counted, and by which rule. */
  readonly limits: readonly { readonly rule: string; readonly limits: PolicyLimits }[];
  /** Every rule, in order. */
  readonly rules: readonly RuleVerdict[];
}

/**
 * Judges a request for each scope that it may use; the strictest counts. All rules are looked at: one that denies wins, what the
 * others require adds up, and `otherwise` decides what no rule lets through. One that only requires something lets nothing through.
 */
export function evaluate(
  rules: readonly ReadyRule[],
  otherwise: 'allow' | 'deny',
  request: PolicyRequest,
  defaultLimits: PolicyLimits,
): PolicyVerdict {
  const scopes: readonly (Scope | undefined)[] = request.scopes.length > 0 ? request.scopes : [undefined];
  const facts = factsOf(
    request,
    rules.some(({ route }) => route !== undefined),
  );
  const verdicts: RuleVerdict[] = [];
  const about = new Set<ReadyRule>();
  let denial: RuleVerdict | undefined;
  let allowance: RuleVerdict | undefined;
  let isAllowed = true;
  for (const scope of scopes) {
    let allowed: RuleVerdict | undefined;
    for (const rule of rules) {
      const { id, why } = rule;
      const effect = effectOf(rule);
      const found = rule.match(facts, scope);
      const verdict: RuleVerdict = {
        rule: id,
        effect,
        ...found,
        ...(scope === undefined ? {} : { scope }),
        ...(why === undefined ? {} : { why }),
      };
      verdicts.push(verdict);
      if (found.match === 'no') continue;
      if (effect === 'deny') denial ??= verdict;
      else about.add(rule);
      if (effect === 'allow' && found.match === 'yes') allowed ??= verdict;
    }
    if (allowed) allowance ??= allowed;
    else if (otherwise === 'deny') isAllowed = false;
  }
  const rest = { rules: verdicts, ...burdens([...about], defaultLimits) };
  if (denial) return { effect: 'deny', rule: denial.rule, why: sentence(denial, 'denies it'), ...rest };
  if (!isAllowed) return { effect: 'deny', why: notAllowed(verdicts), ...rest };
  if (allowance)
    return { effect: 'allow', rule: allowance.rule, why: sentence(allowance, 'allows it'), ...rest };
  return { effect: 'allow', why: 'No rule denies it, and otherwise is allow.', ...rest };
}

/** A rule that was meant to allow is named: it has to say so. */
function notAllowed(verdicts: readonly RuleVerdict[]): string {
  const requiring = verdicts.find(({ effect, match }) => effect === 'require' && match === 'yes');
  const hint = requiring ? ` Rule ${requiring.rule} only requires something: it has no effect: 'allow'.` : '';
  return `No rule allows it, and otherwise is deny.${hint}`;
}

const sentence = ({ rule, scope, match, why }: RuleVerdict, does: string): string =>
  [
    `Rule ${rule} ${does}`,
    scope === undefined ? '' : ` for the scope ${scope}`,
    match === 'maybe' ? ', as not all that it asks about is known' : '',
    why === undefined ? '.' : `: ${why}`,
  ].join('');

function burdens(about: readonly ReadyRule[], defaultLimits: PolicyLimits) {
  const require = about.flatMap(({ id, require = [] }) =>
    require.map((requirement) => ({ requirement, rule: id })),
  );
  const limits = about.flatMap(({ id, require, limits }) => {
    if (limits) return [{ rule: id, limits }];
    return require?.includes('rate-limit') ? [{ rule: id, limits: defaultLimits }] : [];
  });
  return { require, limits };
}
