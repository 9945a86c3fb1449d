import type { OptionCheck, OptionChecks } from '../util/options.js';
import { pathOf, readingsOf } from './path-readings.js';

/** A part of an API. */
export interface Route {
  /** Path prefix by whole segments: `/payments` stands for `/payments` and all below it. Compared without regard to case. */
  readonly path: string;
  /** Methods it is for. Default all. GET stands for HEAD, too. */
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
   * The values for a request, one for each way in which a router may read its path: the strictest is to count.
   */
  readings(method: string, target: string): readonly (T | undefined)[] {
    const inCapitals = method.toUpperCase();
    return readingsOf(pathOf(target)).map((path) => this.#find(inCapitals, path));
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
