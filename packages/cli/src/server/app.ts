import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryLimitStore } from '@private.me/xlink';
import { blockOf } from './address.js';
import { AuditTrail, factsOf } from './audit-trail.js';
import { callerOf } from './caller.js';
import { ServerError } from './errors.js';
import type { ServerParts } from './parts.js';
import { type Problem, problemOf } from './problem.js';
import { assertParams, bodyOf, queryOf } from './read-request.js';
import { RefusalLog } from './refusal-log.js';
import { allows } from './roles.js';
import type { Caller, Route } from './route.js';
import { RouteFinder } from './route-finder.js';
import { discardUnread } from './unread-body.js';

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
      res.end(
        JSON.stringify(problem).replace(/\bAPI keys?\b/g, (word) =>
          word.endsWith('s') ? 'tokens' : 'token',
        ),
      );
    },
  });
  const { logger, metrics } = server;
  const refusals = new RefusalLog(logger);

  return (req, res) => {
    const began = performance.now();
    const seen: Seen = { route: 'none' };
    discardUnread(req, res);
    res.once('close', () => {
      const ms = performance.now() - began;
      metrics.observe(seen.route, res.statusCode, ms / 1000);
      const isStranger = seen.caller === undefined || seen.caller.by === 'nobody';
      const isRefused = res.statusCode === 429 || (isStranger && res.statusCode >= 400);
      if (isRefused && res.statusCode < 500 && !refusals.takes(seen.route, res.statusCode)) return;
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
    answer(req, res, seen).catch((thrown: unknown) => refuse(res, problemOf(thrown), seen.route));
  };

  async function answer(req: IncomingMessage, res: ServerResponse, seen: Seen): Promise<void> {
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
    const trail = new AuditTrail(server, route, caller, req, path);
    if (!isAllowed(route, caller)) {
      await trail.ended('PERMISSION_DENIED');
      throw new ServerError('PERMISSION_DENIED');
    }
    assertParams(params, route.params);
    const query = queryOf(url, route.query);
    const body = await bodyOf(req, route);
    const asked = { params, query, body, caller, server, route: route.id } as never;
    const run = async () => {
      if (route.raw) return void (await route.raw(req, res, asked));
      const value = await route.handle!(asked);
      json(res, route.answer.status, value);
      return value;
    };
    if (route.access === 'public' || route.method === 'GET') return void (await run());
    await trail.received(factsOf(query, body, params));
    await told(trail, res, run);
  }

  /** Runs what changes something, and tells how it ended. What is done is done: an entry that cannot be kept is a fault of the log. */
  async function told(trail: AuditTrail, res: ServerResponse, run: () => Promise<unknown>): Promise<void> {
    const ended = (reason: string, value?: unknown) =>
      trail.ended(reason, factsOf(value)).catch((fault: unknown) => {
        logger.error(faultFields(fault), 'the end of a call is not in the audit log');
        server.onFault(fault);
      });
    try {
      const value = await run();
      if (!res.writableFinished && !res.destroyed) await once(res, 'close'); // raw routes answer by themselves, and later
      await ended(res.statusCode < 400 ? 'ok' : `HTTP:${res.statusCode}`, value);
    } catch (error) {
      await ended(reasonOf(error));
      throw error;
    }
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

  function refuse(res: ServerResponse, problem: Problem, route: string): void {
    if (problem.fault !== undefined) {
      logger.error({ route, status: problem.status, ...faultFields(problem.fault) }, 'a request failed');
      server.onFault(problem.fault);
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    for (const name of res.getHeaderNames()) if (name !== 'connection') res.removeHeader(name);
    res.writeHead(problem.status, problem.headers);
    res.end(problem.body);
  }
}

interface Seen {
  route: string;
  caller?: Caller;
}

const isAllowed = ({ access }: Route, { by, role }: Caller): boolean =>
  access === 'public' || (access === 'member' ? by !== 'nobody' : allows(role, access));

/** The code of what was thrown. */
const reasonOf = (thrown: unknown): string => {
  const { id } = (thrown ?? {}) as { readonly id?: unknown };
  return typeof id === 'string' ? id : 'INTERNAL';
};

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
