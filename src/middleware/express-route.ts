import type { RequestExtras } from './node-types.js';

/**
 * The template of the route that served a request, such as `/orders/:id`; `undefined` if none did. `baseUrl` is where a
 * router is mounted as the client wrote it, so values of known parameters in it are replaced by their names.
 */
export function expressRoute({ baseUrl = '', route, params = {} }: RequestExtras): string | undefined {
  if (!route) return undefined;
  const path = typeof route.path === 'string' ? route.path : String(route.path);
  return mountTemplate(baseUrl, params) + path;
}

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
