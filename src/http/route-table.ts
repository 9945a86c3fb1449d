import type { OptionCheck, OptionChecks } from '../util/options.js';
import { overridesOf, type RoutedRequest } from './method-overrides.js';
import { pathOf, readingsOf } from './path-readings.js';

/** A part of an API. */
export interface Route {
  /** Path prefix by whole segments: `/payments` stands for `/payments` and all below it. Compared without regard to case. */
  readonly path: string;
  /**
   * Methods it is for. Default all. GET stands for HEAD, too. A request is also taken for one of the method that an override names
   * (`X-HTTP-Method-Override`, `X-HTTP-Method`, `X-Method-Override`, `X-Original-Method`, `X-Original-HTTP-Method`, or `_method` in the query,
   * in any case; not in a body), and the stricter rule counts.
   */
  readonly methods?: readonly string[];
}

const isPath: OptionCheck = (value) =>
  typeof value === 'string' && /^\/[^*?#]*$/.test(value) && !/\/:/.test(value)
    ? undefined
    : 'a path prefix that starts with /, without patterns such as * and :id';
const isMethods: OptionCheck = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((one) => typeof one === 'string' && /^[A-Za-z-]+$/.test(one))
    ? undefined
    : 'a non-empty array of HTTP methods';

/** What the members of a {@link Route} must be. */
export const ROUTE_CHECKS: OptionChecks<Route> = { path: isPath, methods: isMethods };

/** Whether it is a {@link Route} with one more member and nothing else: a misspelled member would widen it. */
export function isRouteWith(name: string, isValue: (value: unknown) => boolean) {
  return (candidate: unknown): boolean => {
    if (typeof candidate !== 'object' || candidate === null) return false;
    const { path, methods, [name]: value, ...unknown } = candidate as Record<string, unknown>;
    const isRoute = !isPath(path) && (methods === undefined || !isMethods(methods));
    return isRoute && isValue(value) && Object.keys(unknown).length === 0;
  };
}

interface Entry<T> extends Route {
  readonly value: T;
}

/** Values for parts of an API. The longest path counts, then the one that was set last. */
export class RouteTable<T> {
  #entries: Entry<T>[] = [];

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  set(route: Route, value: T): void {
    this.clear(route);
    this.#entries.unshift({ ...normalized(route), value });
  }

  /** False if there was nothing for it. */
  clear(route: Route): boolean {
    const { path, methods } = normalized(route);
    const same = (known: Route) => known.path === path && String(known.methods) === String(methods);
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((known) => !same(known));
    return this.#entries.length < before;
  }

  /**
   * The values for a request, one for each way in which a router may read its path, and for each method that it may have there by an
   * override: the strictest is to count.
   */
  readings(request: RoutedRequest, overrides?: readonly string[]): readonly (T | undefined)[] {
    const paths = readingsOf(pathOf(request.target));
    const methods = this.#methodsOf(request, overrides);
    return methods.flatMap((method) => paths.map((path) => this.#find(method, path)));
  }

  /**
   * Its own, of those that an override names each for which there is something, and one for which there is nothing: so many there may be,
   * and not as many as a caller likes.
   */
  #methodsOf(request: RoutedRequest, given?: readonly string[]): string[] {
    const own = request.method.toUpperCase();
    const named = this.#entries.flatMap(({ methods = [] }) => methods);
    if (named.length === 0) return [own];
    const overrides = new Set(given ?? overridesOf(request));
    const known = new Set(named.flatMap((one) => (one === 'GET' ? ['HEAD', one] : [one])));
    const other = [...overrides].find((method) => !known.has(method));
    return [
      own,
      ...[...known].filter((method) => overrides.has(method)),
      ...(other === undefined ? [] : [other]),
    ];
  }

  #find(method: string, path: string): T | undefined {
    let best: Entry<T> | undefined;
    for (const route of this.#entries) {
      if (route.methods && !route.methods.some((one) => serves(one, method))) continue;
      if (path !== route.path && !path.startsWith(route.path === '/' ? '/' : `${route.path}/`)) continue;
      if (!best || route.path.length > best.path.length) best = route;
    }
    return best?.value;
  }
}

/** Routers answer HEAD with the handler of GET. */
const serves = (routeMethod: string, method: string): boolean =>
  routeMethod === method || (routeMethod === 'GET' && method === 'HEAD');

function normalized({ path, methods }: Route): Route {
  const inOrder = methods?.map((method) => method.toUpperCase()).sort();
  return { path: readingsOf(pathOf(path)).at(-1)!, ...(inOrder ? { methods: inOrder } : {}) };
}
