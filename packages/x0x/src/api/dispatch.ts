import { isXlinkError } from '@private.me/xlink';
import { isX0xError, X0xError } from '../errors.js';
import type { X0xNode } from '../node.js';
import { toldWith } from '../util/causes.js';
import { CONTACT_ROUTES } from './contact-routes.js';
import { IDENTITY_ROUTES } from './identity-routes.js';
import type { ApiRequest, Route } from './route.js';

const ROUTES: readonly Route[] = [...IDENTITY_ROUTES, ...CONTACT_ROUTES];

/** What is answered. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & { readonly ok: boolean };
}

/** Answers a request that is allowed. Never throws: `{ ok: true, … }`, or `{ ok: false, error, code }` as x0x answers. */
export async function dispatch(node: X0xNode, request: ApiRequest): Promise<ApiAnswer> {
  try {
    const { route, params } = routeOf(request);
    const answer = await route.run({ node, params, query: request.query, body: request.body });
    return { status: route.status ?? 200, body: { ok: true, ...answer } };
  } catch (error) {
    return refusalOf(error);
  }
}

/** The answer to what failed. What is not known says nothing of itself. */
export function refusalOf(thrown: unknown): ApiAnswer {
  if (isXlinkError(thrown))
    return { status: thrown.status, body: { ok: false, error: thrown.message, code: thrown.id } };
  const error = isX0xError(thrown) ? thrown : new X0xError('INTERNAL', { cause: thrown });
  const field = error.field === undefined ? {} : { field: error.field };
  const cause = error.id === 'SEND_FAILED' && error.cause ? { cause: toldWith(error.cause) } : {};
  return {
    status: error.status,
    body: { ok: false, error: error.message, code: error.id, ...field, ...cause },
  };
}

function routeOf({ method, path }: ApiRequest): { route: Route; params: Record<string, string> } {
  const found = ROUTES.map((route) => ({ route, params: match(route.path, path) })).filter(
    (one): one is { route: Route; params: Record<string, string> } => one.params !== undefined,
  );
  if (found.length === 0) throw new X0xError('NOT_FOUND');
  const right = found.find(({ route }) => route.method === method);
  if (!right) throw new X0xError('METHOD_NOT_ALLOWED');
  return right;
}

/** The parameters, if the path is one of the pattern. */
function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = given[at]!;
    else if (part !== given[at]) return undefined;
  }
  return params;
}
