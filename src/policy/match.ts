import { RouteTable } from '../http/route-table.js';
import type { PolicyRequest } from '../types/policy.js';
import type { Scope } from '../types/protocol.js';
import type { NamedRule } from './parse.js';
import type { PolicyAmount } from './rule.js';
import { isWithin } from './time.js';

/** Whether a rule is about a request: `maybe` counts against the caller, and never for it. */
export type Match = 'yes' | 'maybe' | 'no';

/** A rule, ready to be asked. */
export interface ReadyRule extends NamedRule {
  /** Which members of the rule do not agree with the request, judged for one of its scopes; and whether it is about the request. */
  match(
    request: PolicyRequest,
    scope: Scope | undefined,
  ): { readonly match: Match; readonly not: readonly string[] };
}

type Condition = (request: PolicyRequest, scope: Scope | undefined) => Match;

const yes = (does: boolean): Match => (does ? 'yes' : 'no');
const listOf = <T>(value: T | readonly T[]): readonly T[] => [value].flat() as T[];

/** The conditions of a rule, read once. */
export function readyRule(rule: NamedRule): ReadyRule {
  const conditions = conditionsOf(rule);
  return {
    ...rule,
    match(request, scope) {
      const not: string[] = [];
      let match: Match = 'yes';
      for (const [name, condition] of conditions) {
        const found = condition(request, scope);
        if (found === 'no') not.push(name);
        else if (found === 'maybe') match = 'maybe';
      }
      return { match: not.length > 0 ? 'no' : match, not };
    },
  };
}

function conditionsOf({ scope, from, client, route, method, time, amount }: NamedRule) {
  const conditions: [string, Condition][] = [];
  if (scope !== undefined) conditions.push(['scope', (_, one) => scopeMatches(listOf(scope), one)]);
  if (from !== undefined) conditions.push(['from', (request) => yes(listOf(from).includes(request.from!))]);
  if (client !== undefined)
    conditions.push(['client', (request) => yes(listOf(client).includes(request.client!))]);
  if (route !== undefined || method !== undefined)
    conditions.push([
      'route',
      routeCondition(listOf(route ?? '/'), method === undefined ? undefined : listOf(method)),
    ]);
  if (time !== undefined) conditions.push(['time', ({ at }) => yes(isWithin(time, at))]);
  if (amount !== undefined) conditions.push(['amount', (request) => amountMatches(amount, request)]);
  return conditions;
}

/** A request that may use any scope may use the one that the rule is about. */
function scopeMatches(patterns: readonly string[], scope: Scope | undefined): Match {
  if (scope === undefined) return yes(patterns.includes('*'));
  const found = patterns.some((pattern) =>
    pattern.endsWith('*') ? scope.startsWith(pattern.slice(0, -1)) : scope === pattern,
  );
  return found ? 'yes' : scope === '*' ? 'maybe' : 'no';
}

/** A path that routers may read in several ways is about a route in full only if it is in all of them. */
function routeCondition(paths: readonly string[], methods: readonly string[] | undefined): Condition {
  const table = new RouteTable<true>();
  for (const path of paths) table.set({ path, ...(methods ? { methods } : {}) }, true);
  return ({ method, target, overrides = [] }) => {
    if (method === undefined || target === undefined) return 'no'; // a message
    const found = table.readings({ method, target }, overrides);
    if (found.every((value) => value === true)) return 'yes';
    return found.some((value) => value === true) ? 'maybe' : 'no';
  };
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
