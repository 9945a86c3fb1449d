import type { RequestExtras } from '../node/types.js';

/**
 * Watches for the route that a request is matched to, and returns a function that tells its template, such as
 * `/orders/:id`; `undefined` as long as there is none. The template is taken at the moment of the match, because Express
 * takes `baseUrl` and `params` of a mounted router back when a handler passes an error on.
 */
export function watchRoute(req: RequestExtras): () => string | undefined {
  let route = req.route;
  const templateOf = (matched: RequestExtras['route']) => matched && routeTemplate(req, String(matched.path));
  let template = templateOf(route);
  Object.defineProperty(req, 'route', {
    configurable: true,
    enumerable: true,
    get: () => route,
    set(matched: RequestExtras['route']) {
      route = matched;
      template = templateOf(matched);
    },
  });
  return () => template;
}

function routeTemplate({ baseUrl = '', params = {} }: RequestExtras, path: string): string {
  const mount = mountTemplate(baseUrl, params);
  return mount !== '' && path === '/' ? mount : mount + path;
}

/** `baseUrl` is where the router is mounted as the client wrote it: values of parameters in it become their names. */
function mountTemplate(baseUrl: string, params: Record<string, unknown>): string {
  const names = new Map(Object.entries(params).map(([name, value]) => [String(value), name]));
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
