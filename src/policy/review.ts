import type { ReadyRule } from './match.js';
import type { ParsedPolicy } from './parse.js';
import { effectOf } from './rule.js';
import { setsCover } from './rule-sets.js';

/** Something in a policy that does not do what it seems to. */
export interface PolicyFinding {
  /** `contradictory`: two rules say the opposite of the same requests. `unreachable`: another rule always decides. `idle`: it changes nothing. `closed`: nothing gets through. `unmeetable`: there is no port for what it requires. `broad`: it asks for an amount of requests of any kind. `requiring`: under `otherwise: 'deny'` it lets nothing through that no other rule does. */
  readonly kind: 'contradictory' | 'unreachable' | 'idle' | 'closed' | 'unmeetable' | 'broad' | 'requiring';
  /** The rule; absent where it is about the whole policy. */
  readonly rule?: string;
  /** The rule that is in its way. */
  readonly by?: string;
  /** In a sentence. */
  readonly text: string;
}

/**
 * What is found by looking at rules, and by comparing them with each other. It may miss some; what it says is so. Others are served
 * meanwhile: of many rules there are many pairs.
 */
export async function reviewPolicy(
  rules: readonly ReadyRule[],
  otherwise: ParsedPolicy['otherwise'],
): Promise<readonly PolicyFinding[]> {
  const findings: (PolicyFinding | undefined)[] = [];
  const breathe = breathing();
  const denying = rules.filter(({ effect }) => effect === 'deny');
  for (const [index, rule] of rules.entries()) {
    await breathe();
    findings.push(decidedBy(denying, rule, rules.slice(0, index)) ?? idle(rule, otherwise));
  }
  findings.push(...rules.map(broad));
  if (otherwise === 'allow') return findings.filter((found) => found !== undefined);

  const allowing = rules.filter((rule) => effectOf(rule) === 'allow');
  if (allowing.length === 0)
    findings.push({
      kind: 'closed',
      text: 'Nothing gets through: otherwise is deny, and no rule allows anything.',
    });
  for (const rule of rules) {
    await breathe();
    findings.push(requiring(rule, allowing));
  }
  return findings.filter((found) => found !== undefined);
}

/** Called again and again by what takes long. */
function breathing(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < 10) return;
    await new Promise((resolve) => setTimeout(resolve));
    since = performance.now();
  };
}

function decidedBy(
  denying: readonly ReadyRule[],
  rule: ReadyRule,
  before: readonly ReadyRule[],
): PolicyFinding | undefined {
  const { id, effect } = rule;
  const by = denying.find((other) => other !== rule && covers(other, rule));
  if (!by || (effect === 'deny' && !before.includes(by))) return undefined;
  if (effect !== 'deny' && covers(rule, by))
    return {
      kind: 'contradictory',
      rule: id,
      by: by.id,
      text: `Rule ${by.id} denies just what rule ${id} allows: it is denied.`,
    };
  return {
    kind: 'unreachable',
    rule: id,
    by: by.id,
    text: `Rule ${id} never decides: rule ${by.id} denies all that it is about.`,
  };
}

function idle(rule: ReadyRule, otherwise: ParsedPolicy['otherwise']): PolicyFinding | undefined {
  if (otherwise === 'deny' || rule.effect === 'deny' || rule.require?.length || rule.limits) return undefined;
  return {
    kind: 'idle',
    rule: rule.id,
    text: `Rule ${rule.id} changes nothing: what no rule is about is allowed anyway.`,
  };
}

function broad({ id, amount, scope, route, effect, require, limits }: ReadyRule): PolicyFinding | undefined {
  if (!amount || scope !== undefined || route !== undefined) return undefined;
  if (effect !== 'deny' && !require?.length && !limits) return undefined;
  return {
    kind: 'broad',
    rule: id,
    text: `Rule ${id} asks for an amount and names neither route nor scope: it counts against every request with content that says no amount.`,
  };
}

function requiring(rule: ReadyRule, allowing: readonly ReadyRule[]): PolicyFinding | undefined {
  if (effectOf(rule) !== 'require') return undefined;
  if (allowing.some((other) => covers(other, rule) || covers(rule, other))) return undefined;
  return {
    kind: 'requiring',
    rule: rule.id,
    text: `Rule ${rule.id} requires something and lets nothing through: otherwise is deny, and the rule does not say effect: 'allow'.`,
  };
}

/** Whether a rule is about every request that another one is about. */
const covers = (wide: ReadyRule, narrow: ReadyRule): boolean =>
  setsCover(wide.sets, narrow.sets) &&
  (wide.time === undefined || JSON.stringify(wide.time) === JSON.stringify(narrow.time)) &&
  isAmountWithin(narrow, wide);

function isAmountWithin({ amount: narrow }: ReadyRule, { amount: wide }: ReadyRule): boolean {
  if (!wide) return true;
  if (!narrow) return false;
  const { above = -Infinity, atMost = Infinity } = wide;
  return (narrow.above ?? -Infinity) >= above && (narrow.atMost ?? Infinity) <= atMost;
}
