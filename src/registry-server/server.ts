import { isXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { HttpResponse } from '../http/decision.js';
import { looksLikeDidKey } from '../identity/did.js';
import { answerExpress } from '../middleware/express/middleware.js';
import { whenClosed } from '../middleware/node/response.js';
import type { NodeRequest, NodeResponse, RequestExtras } from '../middleware/node/types.js';
import type { ManagedTrustRegistry } from '../registry/managed.js';
import type { Did } from '../types/protocol.js';
import { callerAddress } from '../util/caller-address.js';
import {
  anything,
  checkOptions,
  hasMethods,
  integerIn,
  isFunction,
  isPromptFunction,
  requireOption,
} from '../util/options.js';
import { tell } from '../util/tell.js';
import { pathOf, tokenCheck } from './auth.js';
import { membersOf } from './body.js';
import { Changes } from './changes.js';
import { jsonResponse, plainProblem, problemOf } from './responses.js';
import { CHANGES, pageOf } from './routes.js';

/** Options of {@link createRegistryServer}. */
export interface RegistryServerOptions {
  /** Where the entries are. */
  readonly registry: ManagedTrustRegistry;
  /** Who has it may do everything. At least 16 characters; `openssl rand -hex 32` makes one. This or `authorize` is required, not both. */
  readonly adminToken?: string;
  /**
   * Decides in the place of a token who may do what is not public, for a registry behind an authentication of its own: asked for each
   * such request, with the name of its route (`list`, `register`, `revoke` …). False or a rejection refuses it (401). Default: `adminToken`
   * decides.
   */
  readonly authorize?: (req: NodeRequest, route: string) => boolean | PromiseLike<boolean>;
  /** Larger requests are refused before they are parsed. Bytes; default 256 KiB. */
  readonly maxBodyBytes?: number;
  /** Requests that wait for changes at a time, in all. More are refused (503). Default 10 000. */
  readonly maxWaiters?: number;
  /** The same from one address. Default 1000: behind a proxy all have its address, see `addressOf`. */
  readonly waitersPerAddress?: number;
  /**
   * Where a request comes from, such as a header that your proxy overwrites. Default: the address at the other end of the
   * connection. The 64 bits of a customer's IPv6 network count as one address.
   */
  readonly addressOf?: (req: NodeRequest) => string;
  /** Told the full error, with `cause`, when the registry itself failed. Default: not called. */
  readonly onFault?: (error: XlinkError) => void;
}

/** For `http.createServer(handler)`, and for `app.use(handler)` or `app.use('/registry', handler)` of Express. */
export interface RegistryHandler {
  (req: NodeRequest, res: NodeResponse, next?: (error?: unknown) => void): void;
  /** Answers those who wait for changes, and no longer listens to the registry. Call it when you close the server. */
  close(): void;
}

/**
 * Serves a trust registry over HTTP, for `HttpTrustRegistry`. Put TLS in front of it.
 *
 * | Route | Who | Does |
 * |---|---|---|
 * | `GET /registry/resolve/:did` | anyone | the entry; 404 with `LOOKUP_FAILED:DID_NOT_IN_REGISTRY`, the DID and `revision: 0` if there is none |
 * | `GET /registry/changes?wait=ms&after=positions` | anyone | waits up to `wait` ms, 25 000 at most, and tells whose entries changed, in digests of the DIDs |
 * | `POST /registry/register` | admin token | adds an entry |
 * | `POST /registry/add`, `/revoke`, `/scopes`, `/keys`, `/succeed` | admin token | as the methods of the registry; 409 with the `revision` that is there if it is not `ifRevision` |
 * | `GET /registry/list?after=did` | admin token | entries in the order of their DIDs, a page at a time |
 *
 * All that can reach it can read names, scopes and keys of a DID that they know. Changes are told as the registry tells
 * of them (`onChange`): those made by other instances, too, where it hears of them. Several servers over one registry may
 * be behind one address. Other paths go to `next`, where there is one. Throws `INVALID_OPTION`.
 */
export function createRegistryServer(options: RegistryServerOptions): RegistryHandler {
  checkOptions('createRegistryServer', options, {
    registry: hasMethods('lookup', 'register', 'updateKeys', 'add', 'revoke', 'updateScopes', 'list'),
    adminToken: anything, // tokenCheck is strict
    authorize: isFunction,
    maxBodyBytes: integerIn(1, 64 * 1024 * 1024),
    maxWaiters: integerIn(1, 1_000_000),
    waitersPerAddress: integerIn(1, 1_000_000),
    addressOf: isPromptFunction,
    onFault: isFunction,
  });
  requireOption('createRegistryServer', options, 'registry');
  const { registry, maxWaiters = 10_000, waitersPerAddress = 1000, onFault } = options;
  const parts: Parts = {
    ...options,
    isAdmin: adminCheck(options),
    changes: new Changes({ registry, maxWaiters, waitersPerAddress }),
  };
  function xlinkRegistry(...[req, res, next]: Parameters<RegistryHandler>) {
    const route = routeOf(req);
    if (!route && next) return next();
    decide(req, res, route, parts).then(
      (answer) => answerExpress(req, res, answer),
      (thrown) => answerExpress(req, res, failure(thrown, onFault)),
    );
  }
  return Object.assign(xlinkRegistry, { close: () => parts.changes.close() });
}

interface Parts extends RegistryServerOptions {
  readonly isAdmin: NonNullable<RegistryServerOptions['authorize']>;
  readonly changes: Changes;
}

/** Throws `INVALID_OPTION` unless exactly one of the two says who may change the registry. */
function adminCheck({ adminToken, authorize }: RegistryServerOptions): Parts['isAdmin'] {
  if (!authorize) return tokenCheck('createRegistryServer', 'adminToken', adminToken!); // which refuses none
  if (adminToken === undefined) return authorize;
  throw xlinkError('INVALID_OPTION', {
    field: 'authorize',
    hint: 'createRegistryServer: authorize decides in the place of adminToken; pass one of them.',
  });
}

/** `name` of the route, and the DID where it has one. */
interface Route {
  readonly name: string;
  readonly did?: string;
}

const READS = new Set(['list', 'changes']);

/** By the path below `/registry`, which may be what the handler is mounted at: a path that only ends like one is another's. */
function routeOf(req: NodeRequest): Route | undefined {
  const path = pathOf(req);
  const whole = (req as NodeRequest & RequestExtras).originalUrl?.split('?')[0] ?? path;
  const isMounted = whole.endsWith(`/registry${path}`);
  const [, prefix, name, did] = /^(\/registry)?\/([a-z]+)(?:\/([^/]*))?$/.exec(path) ?? [];
  if (prefix === undefined && !isMounted) return undefined;
  if (name === 'resolve' && did !== undefined) return { name, did };
  return did === undefined && name !== undefined && (READS.has(name) || CHANGES.has(name))
    ? { name }
    : undefined;
}

async function decide(
  req: NodeRequest,
  res: NodeResponse,
  route: Route | undefined,
  { registry, maxBodyBytes = 256 * 1024, isAdmin, changes, addressOf, onFault }: Parts,
): Promise<HttpResponse> {
  if (!route) return plainProblem(404, 'No such route.');
  const change = CHANGES.get(route.name);
  const methods = change ? ['POST'] : ['GET', 'HEAD'];
  const allow = { Allow: [...methods, 'OPTIONS'].join(', ') };
  if (req.method === 'OPTIONS') return { action: 'answer', status: 204, headers: allow, body: '' };
  if (!methods.includes(req.method ?? '')) return plainProblem(405, 'No such method.', allow);
  const isPublic = route.did !== undefined || route.name === 'changes';
  if (!isPublic && !(await isAdmin(req, route.name))) throw xlinkError('REGISTRATION_FAILED:UNAUTHORIZED');
  if (route.did !== undefined) return resolve(registry, route.did);
  if (route.name === 'changes')
    return changes.answer(queryOf(req), {
      address: callerAddress(addressOf, req, {
        peer: req.socket?.remoteAddress,
        onError: (cause) => tell(onFault, xlinkError('LOOKUP_FAILED', { cause })),
      }),
      gone: goneWith(req, res),
    });
  if (!change) return jsonResponse(200, await pageOf(registry, queryOf(req)));

  const members = await membersOf(req, maxBodyBytes, change.members);
  const result = await change.apply(registry, members);
  const { did } = members as { readonly did: Did };
  if (result.ok) return jsonResponse(change.status ?? 200, { ok: true, did });
  if (result.error.id !== 'REGISTRATION_FAILED:CHANGED_MEANWHILE') throw result.error;
  return problemOf(result.error, { revision: (await registry.lookup(did))?.revision ?? 0 });
}

async function resolve(registry: ManagedTrustRegistry, text: string): Promise<HttpResponse> {
  const did = text.replaceAll(/%3a/gi, ':'); // some clients escape colons; a DID has nothing else to escape
  if (!looksLikeDidKey(did)) throw xlinkError('INVALID_DID', { field: 'did' });
  const entry = await registry.lookup(did);
  return entry
    ? jsonResponse(200, entry)
    : problemOf(xlinkError('LOOKUP_FAILED:DID_NOT_IN_REGISTRY'), { did, revision: 0 });
}

function goneWith(req: NodeRequest, res: NodeResponse): AbortSignal {
  const gone = new AbortController();
  whenClosed(req, res, () => gone.abort());
  return gone.signal;
}

const queryOf = (req: NodeRequest): URLSearchParams =>
  new URLSearchParams((req.url ?? '').split('?').slice(1).join('?'));

function failure(thrown: unknown, onFault: RegistryServerOptions['onFault']): HttpResponse {
  const error = isXlinkError(thrown) ? thrown : xlinkError('LOOKUP_FAILED', { cause: thrown });
  const answer = problemOf(error);
  if (answer.status >= 500) tell(onFault, error);
  return answer;
}
