import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LimitCounter } from '../limits/counter.js';
import type { LimitStore } from '../limits/store.js';
import type { Logger } from '../logging/log-observer.js';
import { AuditTrail, factsOf, type TrailTarget } from './audit-trail.js';
import { type ApiError, apiError } from './errors.js';
import type { Problem } from './problem.js';
import { assertParams, bodyOf, queryOf } from './read-request.js';
import { RefusalLog } from './refusal-log.js';
import type { ApiCaller, ApiRoute } from './route.js';
import { RouteFinder } from './route-finder.js';
import { discardUnread } from './unread-body.js';

/** How many requests are taken. */
export interface RequestRates {
  /** Of one address, a minute. */
  readonly perAddress: number;
  /** Of one caller that proved who it is, a minute. */
  readonly perCaller: number;
}

/** What {@link createApiApp} works with. */
export interface ApiApp<Server> {
  /** Handed to the routes. */
  readonly server: Server;
  /** What it answers. */
  readonly routes: readonly ApiRoute[];
  /** Requests of one caller. */
  readonly limits: RequestRates;
  /** Where requests are counted, for several instances together. While it is down, each counts for itself. Default: in memory. */
  readonly limitStore?: LimitStore | undefined;
  /** ms since 1970. */
  readonly clock: () => number;
  /** Where requests and faults are written. */
  readonly logger: Logger;
  /** Where what changes something, and what a role does not include, is written before and after. */
  readonly trail: TrailTarget;
  /** Names of members of requests and answers that entries tell: none that holds a secret. */
  readonly told: readonly string[];
  /** Whether connections are to be closed after their answer. */
  readonly isStopping: () => boolean;
  /** Told what a request failed with, if it was not the caller's fault. */
  readonly onFault: (fault: unknown) => void;
  /** Told every answer: the id of the route or `none`, its status, and how long it took, in seconds. */
  readonly observe: (route: string, status: number, seconds: number) => void;
  /** Who asks for what is not public; `undefined` if it has answered already. Throws what it refuses with. */
  readonly authenticate: (req: IncomingMessage, res: ServerResponse) => Promise<ApiCaller | undefined>;
  /** Whether a caller may use a route that is not public. */
  readonly isAllowed: (access: string, caller: ApiCaller) => boolean;
  /** What is answered for what was thrown. */
  readonly problemOf: (thrown: unknown) => Problem;
}

const MINUTE_MS = 60_000;

/** Answers requests by a route table. Never throws. */
export function createApiApp<Server>(
  app: ApiApp<Server>,
): (req: IncomingMessage, res: ServerResponse) => void {
  const { server, routes, limits, logger, trail: target, told: names, problemOf } = app;
  const finder = new RouteFinder(routes);
  const counts = new LimitCounter(app.limitStore, app.clock, app.onFault);
  const refusals = new RefusalLog(logger);

  return (req, res) => {
    const began = performance.now();
    const seen: Seen = { route: 'none' };
    discardUnread(req, res);
    res.once('close', () => {
      const ms = performance.now() - began;
      app.observe(seen.route, res.statusCode, ms / 1000);
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
    const inFront = new Set(['connection', ...res.getHeaderNames()]); // set by who stands before this
    answer(req, res, seen).catch((thrown: unknown) => refuse(res, problemOf(thrown), seen.route, inFront));
  };

  async function answer(req: IncomingMessage, res: ServerResponse, seen: Seen): Promise<void> {
    if (app.isStopping()) res.setHeader('Connection', 'close');
    const url = req.url ?? '/';
    const path = url.split('?')[0]!;
    await take(`address ${target.blockOf(req)}`, limits.perAddress);
    if (req.method === 'OPTIONS') return preflight(res, path);
    const { route, params } = finder.find(req.method ?? '', path);
    seen.route = route.id;
    const caller = await authenticated(req, res, route);
    if (!caller) return; // the adapter has answered
    seen.caller = caller;
    if (caller.by !== 'nobody') await take(`caller ${caller.id}`, limits.perCaller);
    const trail = new AuditTrail(target, route, caller, req, path);
    if (route.access !== 'public' && !app.isAllowed(route.access, caller)) {
      await trail.ended('PERMISSION_DENIED');
      throw apiError('PERMISSION_DENIED');
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
    if (route.access === 'public' || route.method === 'GET' || route.isQuestion) return void (await run());
    await trail.received(factsOf(names, query, body, params));
    await told(trail, res, run);
  }

  /** Runs what changes something, and tells how it ended. What is done is done: an entry that cannot be kept is a fault of the log. */
  async function told(trail: AuditTrail, res: ServerResponse, run: () => Promise<unknown>): Promise<void> {
    const ended = (reason: string, value?: unknown) =>
      trail.ended(reason, factsOf(names, value)).catch((fault: unknown) => {
        logger.error(faultFields(fault), 'the end of a call is not in the audit log');
        app.onFault(fault);
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

  async function take(name: string, most: number): Promise<void> {
    const { count, resetMs } = await counts.take(`http-api ${name}`, MINUTE_MS);
    if (count > most) throw apiError('RATE_LIMITED', { retryAfterMs: resetMs });
  }

  /** Who asks; `undefined` if the request was refused, and answered. */
  async function authenticated(
    req: IncomingMessage,
    res: ServerResponse,
    { access }: ApiRoute,
  ): Promise<ApiCaller | undefined> {
    if (access === 'public') return { by: 'nobody', id: target.blockOf(req) };
    return app.authenticate(req, res);
  }

  /** Which methods there are is no secret; no other origin may use them. */
  function preflight(res: ServerResponse, path: string): void {
    const allow = allowedAt(finder, path);
    res.writeHead(204, { Allow: allow, 'Cache-Control': 'no-store' });
    res.end();
  }

  function refuse(res: ServerResponse, problem: Problem, route: string, inFront: ReadonlySet<string>): void {
    if (problem.fault !== undefined) {
      logger.error({ route, status: problem.status, ...faultFields(problem.fault) }, 'a request failed');
      app.onFault(problem.fault);
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    for (const name of res.getHeaderNames()) if (!inFront.has(name)) res.removeHeader(name);
    res.writeHead(problem.status, problem.headers);
    res.end(problem.body);
  }
}

interface Seen {
  route: string;
  caller?: ApiCaller;
}

/** The code of what was thrown. */
const reasonOf = (thrown: unknown): string => {
  const { id } = (thrown ?? {}) as { readonly id?: unknown };
  return typeof id === 'string' ? id : 'INTERNAL';
};

function allowedAt(finder: RouteFinder, path: string): string {
  try {
    finder.find('OPTIONS', path);
  } catch (error) {
    const { allow } = (error as ApiError).details;
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
