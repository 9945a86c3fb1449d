import { RouteSet } from './route-set.js';
import type { PolicyRule } from './rule.js';

/** Scopes, of which some end in `*`. */
export class ScopeSet {
  readonly #scopes: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  constructor(scopes: readonly string[]) {
    this.#scopes = new Set(scopes);
    this.#prefixes = scopes.filter((scope) => scope.endsWith('*')).map((scope) => scope.slice(0, -1));
  }

  /** Also of a pattern, all of which is meant then. */
  has(scope: string): boolean {
    return this.#scopes.has(scope) || this.#prefixes.some((prefix) => scope.startsWith(prefix));
  }

  covers(other: ScopeSet): boolean {
    return isSubset(other.#scopes, this);
  }
}

/** The lists of a rule, read once and looked up as sets. Absent: the rule does not ask. */
export interface RuleSets {
  readonly scope: ScopeSet | undefined;
  readonly from: ReadonlySet<string> | undefined;
  readonly client: ReadonlySet<string> | undefined;
  readonly route: RouteSet | undefined;
  /** In capitals, with HEAD where GET is. */
  readonly method: ReadonlySet<string> | undefined;
}

export function ruleSets({ scope, from, client, route, method }: PolicyRule): RuleSets {
  const methods = method === undefined ? undefined : new Set([method].flat().map((one) => one.toUpperCase()));
  if (methods?.has('GET')) methods.add('HEAD');
  return {
    scope: scope === undefined ? undefined : new ScopeSet([scope].flat()),
    from: from === undefined ? undefined : new Set([from].flat()),
    client: client === undefined ? undefined : new Set([client].flat()),
    route: route === undefined ? undefined : new RouteSet([route].flat()),
    method: methods,
  };
}

/** Whether whatever is within the lists of `narrow` is within those of `wide`, too. */
export const setsCover = (wide: RuleSets, narrow: RuleSets): boolean =>
  within(narrow.scope, wide.scope, (one, other) => other.covers(one)) &&
  within(narrow.from, wide.from, isSubset) &&
  within(narrow.client, wide.client, isSubset) &&
  within(narrow.route, wide.route, (one, other) => other.covers(one)) &&
  within(narrow.method, wide.method, isSubset);

function within<T>(narrow: T | undefined, wide: T | undefined, isIn: (one: T, other: T) => boolean): boolean {
  if (wide === undefined) return true;
  return narrow !== undefined && isIn(narrow, wide);
}

function isSubset(narrow: Iterable<string>, wide: { has(one: string): boolean }): boolean {
  for (const one of narrow) if (!wide.has(one)) return false;
  return true;
}
