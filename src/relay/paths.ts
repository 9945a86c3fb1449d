import type { IncomingMessage } from 'node:http';
import type { OptionCheck } from '../util/options.js';

/** What a relay answers. */
export type Route = 'did' | 'send' | 'receive' | 'socket';

const DEFAULT_PATH = '/relay';

export const isPath: OptionCheck = (value) =>
  typeof value === 'string' && /^(?:\/[\w.~-]+){1,16}$/.test(value)
    ? undefined
    : 'a path such as /relay, without a slash at its end';

/**
 * The route of a request, by its whole path as the caller wrote it; where no path is said, also by what a framework leaves
 * of it that takes off what the handler is mounted at. Nothing that only ends like a route is one.
 */
export function routeOf(request: IncomingMessage, path: string | undefined): Route | undefined {
  const { url, originalUrl = url } = request as IncomingMessage & { readonly originalUrl?: string };
  if (path !== undefined) return routeAt(originalUrl, path);
  return routeAt(url, DEFAULT_PATH) ?? routeAt(originalUrl, DEFAULT_PATH);
}

function routeAt(target: string | undefined, path: string): Route | undefined {
  const wanted = target?.split('?')[0];
  if (wanted === path) return 'did';
  const names = ['send', 'receive', 'socket'] as const;
  return names.find((name) => wanted === `${path}/${name}`);
}
