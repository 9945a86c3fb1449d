import type { NamedRule, ParsedPolicy } from './parse.js';
import { effectOf } from './rule.js';

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

/** What is found by comparing rules with each other. It may miss some; what it says is so. */
export function reviewPolicy({ rules, otherwise }: ParsedPolicy): readonly PolicyFinding[] {
  const denying = rules.filter(({ effect }) => effect === 'deny');
  const findings = rules.flatMap((rule): PolicyFinding[] => {
    const { id } = rule;
    const by = denying.find((other) => other !== rule && covers(other, rule));
    if (by && rule.effect !== 'deny' && covers(rule, by))
      return [
        {
          kind: 'contradictory',
          rule: id,
          by: by.id,
          text: `Rule ${by.id} denies just what rule ${id} allows: it is denied.`,
        },
      ];
    if (by && (rule.effect !== 'deny' || rules.indexOf(by) < rules.indexOf(rule)))
      return [
        {
          kind: 'unreachable',
          rule: id,
          by: by.id,
          text: `Rule ${id} never decides: rule ${by.id} denies all that it is about.`,
        },
      ];
    const isIdle = effectOf(rule) === 'allow' && !rule.require?.length && !rule.limits;
    if (isIdle && otherwise === 'allow')
      return [
        {
          kind: 'idle',
          rule: id,
          text: `Rule ${id} changes nothing: what no rule is about is allowed anyway.`,
        },
      ];
    return [];
  });
  for (const { id, amount, scope, route, effect, require, limits } of rules)
    if (amount && scope === undefined && route === undefined && (effect === 'deny' || require || limits))
      findings.push({
        kind: 'broad',
        rule: id,
        text: `Rule ${id} asks for an amount and names neither route nor scope: it counts against every request with content that says no amount.`,
      });
  if (otherwise === 'allow') return findings;
  const allowing = rules.filter((rule) => effectOf(rule) === 'allow');
  if (allowing.length === 0)
    findings.push({
      kind: 'closed',
      text: 'Nothing gets through: otherwise is deny, and no rule allows anything.',
    });
  for (const rule of rules) {
    if (effectOf(rule) !== 'require') continue;
    if (allowing.some((other) => covers(other, rule) || covers(rule, other))) continue;
    findings.push({
      kind: 'requiring',
      rule: rule.id,
      text: `Rule ${rule.id} requires something and lets nothing through: otherwise is deny, and the rule does not say effect: 'allow'.`,
    });
  }
  return findings;
}

/** Whether a rule is about every request that another one is about. */
function covers(wide: NamedRule, narrow: NamedRule): boolean {
  return (
    within(narrow.scope, wide.scope, (one, pattern) =>
      pattern.endsWith('*') ? one.startsWith(pattern.slice(0, -1)) : one === pattern,
    ) &&
    within(narrow.from, wide.from, same) &&
    within(narrow.client, wide.client, same) &&
    within(narrow.route, wide.route, isBelow) &&
    within(
      upper(narrow.method),
      upper(wide.method),
      (one, method) => one === method || (one === 'HEAD' && method === 'GET'),
    ) &&
    (wide.time === undefined || JSON.stringify(wide.time) === JSON.stringify(narrow.time)) &&
    isAmountWithin(narrow, wide)
  );
}

const same = (one: string, other: string): boolean => one === other;
const isBelow = (path: string, prefix: string): boolean => {
  const [one, wide] = [path.toLowerCase(), prefix.toLowerCase().replace(/\/$/, '')];
  return one === wide || one.startsWith(`${wide}/`);
};
const upper = (methods: NamedRule['method']) => methods && [methods].flat().map((one) => one.toUpperCase());

function within(
  narrow: string | readonly string[] | undefined,
  wide: string | readonly string[] | undefined,
  isIn: (one: string, other: string) => boolean,
): boolean {
  if (wide === undefined) return true;
  if (narrow === undefined) return false;
  return [narrow].flat().every((one) => [wide].flat().some((other) => isIn(one, other)));
}

function isAmountWithin({ amount: narrow }: NamedRule, { amount: wide }: NamedRule): boolean {
  if (!wide) return true;
  if (!narrow) return false;
  const { above = -Infinity, atMost = Infinity } = wide;
  return (narrow.above ?? -Infinity) >= above && (narrow.atMost ?? Infinity) <= atMost;
}
