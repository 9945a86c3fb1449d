import { linesOf } from '../node/request.js';
import type { NodeRequest, NodeResponse, RequestExtras } from '../node/types.js';

/** Node's own request and response, where a server of Node's made one of the Fetch standard of them. */
export interface Native {
  readonly incoming: NodeRequest;
  readonly outgoing: NodeResponse;
}

/** @hono/node-server has them in `env`. */
export function nativeIn(env: unknown): Native | undefined {
  const { incoming, outgoing } = (env ?? {}) as Partial<Native>;
  return incoming?.headers && typeof outgoing?.once === 'function' ? { incoming, outgoing } : undefined;
}

/** Path and query as the client sent them: routers of Fetch applications make requests of their own for what they mount. */
export function targetOf(request: Request, native: Native | undefined): string {
  const { pathname, search } = new URL(targetIn(native) ?? request.url, request.url);
  return pathname + search;
}

const targetIn = (native: Native | undefined): string | undefined => {
  const target = (native?.incoming as RequestExtras | undefined)?.originalUrl ?? native?.incoming.url;
  return target && /^\/[/\\]/.test(target) ? undefined : target; // which would be a host
};

/** The lines of a header, as long as nobody changed it: a request of the Fetch standard has them joined. */
export function headerLines(request: Request, native: Native | undefined, name: string): readonly string[] {
  const value = request.headers.get(name);
  const lines = native ? linesOf(native.incoming, name) : [];
  if (lines.join(', ') === value) return lines;
  return value === null ? [] : [value];
}
