import type { IncomingMessage } from 'node:http';

/** What a request is for. */
export interface Target {
  readonly path: string;
  /** Path and query. */
  readonly whole: string;
  /** Whether every router reads the path as it stands: no empty or dotted segment, no backslash, no slash or dot that is encoded. */
  readonly isPlain: boolean;
}

/** What the framework was asked for, which Express cuts below a mount. Of a whole URL, as proxies are asked for it, what follows the host. */
export function targetOf(request: IncomingMessage): Target {
  const asked = (request as { originalUrl?: string }).originalUrl ?? request.url ?? '/';
  const rest = asked.startsWith('/') ? undefined : /^[a-z][a-z\d+.-]*:\/\/[^/\\?#]*(.*)$/is.exec(asked)?.[1];
  // As it stands: what resolves dots reads another path than the router behind.
  const whole = rest === undefined ? asked : rest.startsWith('/') ? rest : `/${rest}`;
  const path = whole.split('?')[0]!;
  return { path, whole, isPlain: path.startsWith('/') && !/\/\/|\\|%2f|%5c|%2e|\/\.\.?(\/|$)/i.test(path) };
}

/** A path of this origin that a login leads back to; `/` for whatever is none. */
export function safeNext(text: unknown, origin: string): string {
  if (typeof text !== 'string' || !text.startsWith('/') || text.length > 2048) return '/';
  if (!URL.canParse(text, origin)) return '/';
  const url = new URL(text, origin);
  const path = url.pathname + url.search;
  // `//evil.net` and `/\evil.net` have another origin; `/.//evil.net` has a path that is one.
  return url.origin === origin && !path.startsWith('//') ? path : '/';
}
