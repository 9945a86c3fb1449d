import { apiError } from './errors.js';
import type { ApiRoute } from './route.js';

/** A route, and the parameters of its path, decoded. */
export interface FoundRoute {
  /** The row of the table. */
  readonly route: ApiRoute;
  /** Parameters of its path, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

interface Compiled {
  readonly route: ApiRoute;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

/** Finds rows of the table by method and path. Paths without parameters go before those with. */
export class RouteFinder {
  readonly #routes: readonly Compiled[];

  constructor(routes: readonly ApiRoute[]) {
    const compiled = routes.map(compile);
    this.#routes = [
      ...compiled.filter(({ names }) => names.length === 0),
      ...compiled.filter(({ names }) => names.length > 0),
    ];
  }

  /** HEAD is GET. Throws `ROUTE_UNKNOWN`, or `METHOD_NOT_ALLOWED` with the methods there are. */
  find(method: string, path: string): FoundRoute {
    const matches = this.#routes.filter(({ pattern }) => pattern.test(path));
    if (matches.length === 0) throw apiError('ROUTE_UNKNOWN');
    const wanted = method === 'HEAD' ? 'GET' : method;
    const match = matches.find(({ route }) => route.method === wanted);
    if (!match) throw apiError('METHOD_NOT_ALLOWED', { allow: allowed(matches) });
    const { route, pattern, names } = match;
    const values = pattern.exec(path)!.slice(1);
    return { route, params: Object.fromEntries(names.map((name, at) => [name, decoded(values[at]!)])) };
  }
}

function compile(route: ApiRoute): Compiled {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const source = route.path
    .split(/\{\w+\}/)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('([^/]{1,512})');
  return { route, pattern: new RegExp(`^${source}$`), names };
}

function allowed(matches: readonly Compiled[]): string {
  const methods = matches.map(({ route }) => route.method as string);
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].join(', ');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw apiError('ROUTE_UNKNOWN');
  }
}
