import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryLimitStore } from '@private.me/xlink';
import { blockOf } from './address.js';
import { callerOf } from './caller.js';
import { ServerError } from './errors.js';
import type { ServerParts } from './parts.js';
import { type Problem, problemOf } from './problem.js';
import { assertParams, bodyOf, queryOf } from './read-request.js';
import { allows } from './roles.js';
import type { Caller, Route } from './route.js';
import { RouteFinder } from './route-finder.js';

/** How many requests are taken. */
export interface RequestLimits {
  /** Of one address, a minute. */
  readonly perAddress: number;
  /** Of one caller that proved who it is, a minute. */
  readonly perCaller: number;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const MINUTE_MS = 60_000;

/** Answers requests by the table. Never throws. */
export function createApp(server: ServerParts, routes: readonly Route[], limits: RequestLimits): Handler {
  const finder = new RouteFinder(routes);
  const counts = new MemoryLimitStore(server.clock);
  const authenticate = server.adapter.middleware({
    onRefusal: ({ error, problem }, _req, res, next) => {
      // The validator asks the store of tokens: that it is down is another matter than a token that is wrong.
      if (error.id === 'KEY_VALIDATOR_FAILED' && error.cause) return next(error.cause);
      res.setHeader('Content-Type', 'application/problem+json');
      res.end(JSON.stringify(problem));
    },
  });
  const { logger, metrics } = server;

  return (req, res) => {
    const began = performance.now();
    const seen: { route: string; caller?: Caller } = { route: 'none' };
    res.once('close', () => {
      const ms = performance.now() - began;
      metrics.observe(seen.route, res.statusCode, ms / 1000);
      logger.info(
        {
          method: req.method,
          route: seen.route,
          status: res.statusCode,
          ms: Math.round(ms * 10) / 10,
          ...(seen.caller ? { caller: seen.caller.id } : {}),
        },
        'request',
      );
    });
    answer(req, res, seen).catch((thrown: unknown) => refuse(req, res, problemOf(thrown), seen.route));
  };

  async function answer(
    req: IncomingMessage,
    res: ServerResponse,
    seen: { route: string; caller?: Caller },
  ): Promise<void> {
    if (server.isStopping()) res.setHeader('Connection', 'close');
    const url = req.url ?? '/';
    const path = url.split('?')[0]!;
    take(`address ${blockOf(server.addressOf, req)}`, limits.perAddress);
    if (req.method === 'OPTIONS') return preflight(res, path);
    const { route, params } = finder.find(req.method ?? '', path);
    seen.route = route.id;
    const caller = await authenticated(req, res, route);
    if (!caller) return; // the adapter has answered
    seen.caller = caller;
    if (caller.by !== 'nobody') take(`caller ${caller.id}`, limits.perCaller);
    await assertAllowed(server, route, caller, req);
    assertParams(params, route.params);
    const query = queryOf(url, route.query);
    const body = await bodyOf(req, route);
    const asked = { params, query, body, caller, server } as never;
    if (route.raw) await route.raw(req, res, asked);
    else json(res, route.answer.status, await route.handle!(asked));
  }

  function take(name: string, most: number): void {
    const { count, resetMs } = counts.take(name, MINUTE_MS);
    if (count > most) throw new ServerError('RATE_LIMITED', { retryAfterMs: resetMs });
  }

  /** Who asks; `undefined` if the request was refused, and answered. */
  async function authenticated(
    req: IncomingMessage,
    res: ServerResponse,
    { access }: Route,
  ): Promise<Caller | undefined> {
    if (access === 'public') return { by: 'nobody', id: blockOf(server.addressOf, req) };
    const isPassed = await new Promise<boolean>((resolve, reject) => {
      res.once('close', () => resolve(false));
      authenticate(req as never, res as never, (error) => (error ? reject(error) : resolve(true)));
    });
    return isPassed ? callerOf(server, req) : undefined;
  }

  /** Which methods there are is no secret; no other origin may use them. */
  function preflight(res: ServerResponse, path: string): void {
    const allow = allowedAt(finder, path);
    res.writeHead(204, { Allow: allow, 'Cache-Control': 'no-store' });
    res.end();
  }

  function refuse(req: IncomingMessage, res: ServerResponse, problem: Problem, route: string): void {
    if (problem.fault !== undefined) {
      logger.error({ route, status: problem.status, ...faultFields(problem.fault) }, 'a request failed');
      server.onFault(problem.fault);
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    for (const name of res.getHeaderNames()) if (name !== 'connection') res.removeHeader(name);
    const isUnread = !req.readableEnded && req.headers['transfer-encoding'] !== undefined;
    res.writeHead(problem.status, { ...problem.headers, ...(isUnread ? { Connection: 'close' } : {}) });
    res.end(problem.body);
  }
}

/** Throws `PERMISSION_DENIED`. What changes something, and what is refused, is in the audit log before it is done. */
async function assertAllowed(
  server: ServerParts,
  { id, method, path, access }: Route,
  { by, id: caller, did, role }: Caller,
  req: IncomingMessage,
): Promise<void> {
  if (access === 'public') return;
  const isAllowed = access === 'member' ? by !== 'nobody' : allows(role, access);
  if (isAllowed && method === 'GET') return;
  const entry = {
    type: 'server',
    ...(did === undefined ? { client: caller } : { from: did }),
    request: `${method} ${path}`,
    decision: isAllowed ? 'accepted' : 'refused',
    reason: isAllowed ? 'ok' : 'PERMISSION_DENIED',
    data: { route: id, ...(role ? { role } : {}), address: blockOf(server.addressOf, req) },
  };
  await server.storage.audit.append(entry);
  if (!isAllowed) throw new ServerError('PERMISSION_DENIED');
}

function allowedAt(finder: RouteFinder, path: string): string {
  try {
    finder.find('OPTIONS', path);
  } catch (error) {
    const { allow } = (error as ServerError).details;
    if (allow !== undefined) return allow;
    throw error;
  }
  return 'OPTIONS';
}

function json(res: ServerResponse, status: number, value: unknown): void {
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  res.end(JSON.stringify(value));
}

/** Name and code of an error and its causes; messages of drivers may hold connection strings. */
function faultFields(fault: unknown): object {
  const { name, id, code, cause, message } = (fault ?? {}) as {
    name?: unknown;
    id?: unknown;
    code?: unknown;
    cause?: unknown;
    message?: unknown;
  };
  const isOurs = id !== undefined || name === 'FileStoreError';
  return {
    error: String(name),
    ...(id === undefined ? {} : { id }),
    ...(code === undefined ? {} : { code }),
    ...(isOurs ? { message } : {}),
    ...(cause === undefined ? {} : { because: faultFields(cause) }),
  };
}
