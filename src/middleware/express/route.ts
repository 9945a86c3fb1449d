import { hiddenMember } from '../../util/hidden-member.js';
import type { RequestExtras } from '../node/types.js';

/**
 * Watches for the route that a request is matched to, and returns a function that tells its template, such as
 * `/orders/:id`; `undefined` as long as there is none. What it is made of is taken at the moment of the match, because Express
 * takes `baseUrl` and `params` of a mounted router back when a handler passes an error on.
 */
export function watchRoute(req: RequestExtras): () => string | undefined {
  watched.set(req, matchOf(req, req.route));
  Object.defineProperty(req, 'route', ROUTE);
  return () => {
    const { route, mount } = watched.get(req)!;
    return route && routeTemplate(mount, String(route.path));
  };
}

type Mount = { readonly [K in 'baseUrl' | 'params']?: RequestExtras[K] | undefined };

interface Match {
  readonly route: RequestExtras['route'];
  readonly mount: Mount;
}

const watched = hiddenMember<Match>();

const matchOf = ({ baseUrl, params }: Mount, route: Match['route']): Match => ({
  route,
  mount: { baseUrl, params },
});

/** One for all requests. Functions of its own for each would keep it alive, and all that it holds, until the next full collection. */
const ROUTE = {
  configurable: true,
  enumerable: true,
  get(this: RequestExtras): RequestExtras['route'] {
    return watched.get(watchedOf(this))?.route;
  },
  set(this: RequestExtras, route: RequestExtras['route']): void {
    const req = watchedOf(this);
    watched.set(req, matchOf(req, route));
  },
};

/** The request itself, where another object was made of it. */
function watchedOf(req: RequestExtras): RequestExtras {
  let at = req;
  while (at && !watched.get(at)) at = Object.getPrototypeOf(at);
  return at ?? req;
}

function routeTemplate({ baseUrl = '', params = {} }: Mount, path: string): string {
  const mount = mountTemplate(baseUrl, params);
  return mount !== '' && path === '/' ? mount : mount + path;
}

/** `baseUrl` is where the router is mounted as the client wrote it: values of parameters in it become their names. */
function mountTemplate(baseUrl: string, params: Record<string, unknown>): string {
  const values = baseUrl === '' ? [] : Object.entries(params);
  if (values.length === 0) return baseUrl;
  const names = new Map(values.map(([name, value]) => [String(value), name]));
  return baseUrl
    .split('/')
    .map((segment) => {
      const name = names.get(decode(segment));
      return name === undefined || segment === '' ? segment : `:${name}`;
    })
    .join('/');
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
