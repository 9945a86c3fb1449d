import type { PolicyRequest } from '../types/policy.js';
import type { Scope } from '../types/protocol.js';
import type { Facts } from './facts.js';
import type { NamedRule } from './parse.js';
import type { PolicyAmount } from './rule.js';
import { type RuleSets, ruleSets, type ScopeSet } from './rule-sets.js';
import { isWithin } from './time.js';

/** Whether a rule is about a request: `maybe` counts against the caller, and never for it. */
export type Match = 'yes' | 'maybe' | 'no';

/** A rule, ready to be asked. */
export interface ReadyRule extends NamedRule {
  /** Its lists, for what compares rules. */
  readonly sets: RuleSets;
  /** Which members of the rule do not agree with the request, judged for one of its scopes; and whether it is about the request. */
  match(facts: Facts, scope: Scope | undefined): { readonly match: Match; readonly not: readonly string[] };
}

type Condition = (facts: Facts, scope: Scope | undefined) => Match;

const yes = (does: boolean): Match => (does ? 'yes' : 'no');

/** The conditions of a rule, read once. */
export function readyRule(rule: NamedRule): ReadyRule {
  const sets = ruleSets(rule);
  const conditions = conditionsOf(rule, sets);
  return {
    ...rule,
    sets,
    match(facts, scope) {
      const not: string[] = [];
      let match: Match = 'yes';
      for (const [name, condition] of conditions) {
        const found = condition(facts, scope);
        if (found === 'no') not.push(name);
        else if (found === 'maybe') match = 'maybe';
      }
      return { match: not.length > 0 ? 'no' : match, not };
    },
  };
}

function conditionsOf({ time, amount }: NamedRule, { scope, from, client, route, method }: RuleSets) {
  const conditions: [string, Condition][] = [];
  if (scope) conditions.push(['scope', (_, one) => scopeMatches(scope, one)]);
  if (from) conditions.push(['from', ({ request }) => yes(from.has(request.from!))]);
  if (client) conditions.push(['client', ({ request }) => yes(client.has(request.client!))]);
  if (route || method)
    conditions.push([
      'route',
      ({ paths, methods }) =>
        both(route ? allOf(paths, route) : 'yes', method ? allOf(methods, method) : allOf(methods)),
    ]);
  if (time) conditions.push(['time', ({ request }) => yes(isWithin(time, request.at))]);
  if (amount) conditions.push(['amount', ({ request }) => amountMatches(amount, request)]);
  return conditions;
}

/** A request that may use any scope may use the one that the rule is about. */
function scopeMatches(scopes: ScopeSet, scope: Scope | undefined): Match {
  if (scope === undefined) return yes(scopes.has('*'));
  return scopes.has(scope) ? 'yes' : scope === '*' ? 'maybe' : 'no';
}

/** What may be read in several ways is in a set in full only if it is there in all of them. Of nothing, as a message has it, it is `no`. */
function allOf(readings: readonly string[], set: { has(reading: string): boolean } = ANY): Match {
  let [isIn, isOut] = [false, false];
  for (const reading of readings) {
    if (set.has(reading)) isIn = true;
    else isOut = true;
    if (isIn && isOut) return 'maybe';
  }
  return yes(isIn);
}

const ANY = { has: () => true };

function both(one: Match, other: Match): Match {
  if (one === 'no' || other === 'no') return 'no';
  return one === 'yes' ? other : 'maybe';
}

function amountMatches(
  { above = -Infinity, atMost = Infinity }: PolicyAmount,
  { amount }: PolicyRequest,
): Match {
  if (amount === undefined) return 'no';
  if (typeof amount !== 'number' || Number.isNaN(amount)) return 'maybe';
  const size = Math.abs(amount); // so that a sign is no way around a rule
  return yes(size > above && size <= atMost);
}
