import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERROR_TABLE } from '@private.me/xlink';
import type { AuditSink } from '@private.me/xlink/audit';
import {
  AccessStore,
  API_ERRORS,
  apiError,
  blockOf,
  createApiApp,
  type NewToken,
  openApiDocument,
  peerAddress,
  roleAllows,
} from '@private.me/xlink/http-api';
import type { Logger } from '@private.me/xlink/logging';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { XLOCK_ERROR_TABLE, XlockError } from '../errors.js';
import { XlockVerifier } from '../verifier/verifier.js';
import { answerCors } from '../web/cors.js';
import { adminRoutes } from './admin-routes.js';
import { backendRoutes } from './backend-routes.js';
import { codeRoutes } from './code-routes.js';
import { deviceRoutes } from './device-routes.js';
import type { XlockRoute, XlockServerParts } from './kit.js';
import { linkRoute } from './link-route.js';
import { ANSWER_PATH, loginRoutes } from './login-routes.js';
import { servedPage } from './page.js';
import { XLOCK_PERMISSIONS } from './permissions.js';
import { problemOf } from './problem.js';
import { recoveryRoutes } from './recovery-routes.js';
import { checkOptions, type XlockMount, type XlockServerOptions } from './server-options.js';
import { sessionRoutes } from './session-routes.js';
import { systemRoutes } from './system-routes.js';

/** The route table of the auth server, without what is mounted. */
export const XLOCK_ROUTES: readonly XlockRoute[] = [
  ...systemRoutes,
  ...loginRoutes,
  ...sessionRoutes,
  ...recoveryRoutes,
  linkRoute,
  ...deviceRoutes,
  ...backendRoutes,
  ...adminRoutes,
];

/** Members of requests and answers that the audit log tells. */
const TOLD = [
  'did',
  'deviceId',
  'lostDeviceId',
  'userId',
  'id',
  'name',
  'role',
  'expiresAt',
  'url',
  'reason',
] as const;

/** The auth server: `handler` for an HTTP server; it listens to nothing itself. */
export class XlockServer {
  /** Answers by the route table; never throws. */
  readonly handler: (req: IncomingMessage, res: ServerResponse) => void;
  /** What routes and mounts work with. */
  readonly parts: XlockServerParts;
  readonly #stopping = new AbortController();

  /** Throws `INVALID_OPTION`. */
  constructor(options: XlockServerOptions) {
    checkOptions(options);
    const { storage, origin, logger, version, clock = Date.now, addressOf = peerAddress } = options;
    const { identity, documents, limits, audit } = storage;
    const routes = [...XLOCK_ROUTES, ...codeRoutes(options.codes ?? {}), ...(options.routes ?? [])];
    const isOfPage = options.page ? servedPage(options.page, { origin, storage, addressOf }) : () => false;
    const register = new Registry();
    collectDefaultMetrics({ register });
    const requests = new Counter({
      name: 'xlock_server_requests_total',
      help: 'Requests that were answered, by route and status.',
      labelNames: ['route', 'status'],
      registers: [register],
    });
    const faults = new Counter({
      name: 'xlock_server_faults_total',
      help: 'Faults of stores and of the audit log that ended no request.',
      registers: [register],
    });
    const events = new Counter({
      name: 'xlock_server_events_total',
      help: 'What happened to logins: entries of the audit log by type, such as xlock-answer, and decision.',
      labelNames: ['type', 'decision'],
      registers: [register],
    });
    const counted: Pick<AuditSink, 'append'> = {
      append: (entry) => {
        events.inc({ type: entry.type, decision: entry.decision ?? 'none' });
        return audit.append(entry);
      },
    };
    const document = documentOf(routes, version, origin);
    const isStopping = () => this.#stopping.signal.aborted;
    this.parts = {
      verifier: new XlockVerifier({
        ...options.verifier,
        origin,
        identity,
        store: documents,
        limits,
        audit: counted,
        clock,
        answerPath: ANSWER_PATH,
      }),
      storage,
      access: new AccessStore(documents, clock),
      version,
      page: options.page?.origin,
      clock,
      startedAt: clock(),
      isStopping,
      stopping: this.#stopping.signal,
      document: () => document,
      metrics: async () => ({ text: await register.metrics(), type: register.contentType }),
    };
    const app = createApiApp({
      server: this.parts,
      routes,
      limits: {
        perAddress: options.requestsPerAddress ?? 6000,
        perCaller: options.requestsPerCaller ?? 6000,
      },
      limitStore: options.requestLimits,
      clock,
      logger,
      trail: { append: (entry) => audit.append(entry), blockOf: (req) => blockOf(addressOf, req) },
      told: TOLD,
      isStopping,
      onFault: () => faults.inc(),
      observe: (route, status) => requests.inc({ route, status: String(status) }),
      authenticate: (req) => this.#caller(req),
      isAllowed: (access, { role }) => access === 'member' || roleAllows(XLOCK_PERMISSIONS, role, access),
      problemOf,
    });
    const handler = mounted(options.mounts ?? [], withCors(app), this.parts, logger);
    this.handler = (req, res) => void (isOfPage(req, res) || handler(req, res));
  }

  /** Makes the first admin token, unless there is an admin. */
  firstToken(): Promise<NewToken | undefined> {
    return this.parts.access.makeFirst();
  }

  /** Says that it is not ready any more, and answers those who wait. */
  stop(): void {
    this.#stopping.abort();
  }

  async #caller(req: IncomingMessage) {
    const [, token = ''] = /^Bearer ([\w.-]{1,200})$/i.exec(String(req.headers.authorization ?? '')) ?? [];
    const found = await this.parts.access.byToken(token);
    if (!found) throw apiUnauthorized();
    return { by: 'token', ...found } as const;
  }
}

/** A token that is missing or wrong is told as a session is. */
const apiUnauthorized = () =>
  new XlockError('SESSION_INVALID', { resolution: 'Send a token of the server: Authorization: Bearer …' });

const documentOf = (routes: readonly XlockRoute[], version: string, url: string): object =>
  openApiDocument(routes, {
    version,
    url,
    title: 'xLock auth server',
    description: 'Made from the route table of the server.',
    tags: {
      Logins: 'Registration and login.',
      Sessions: 'For applications: who is logged in.',
      Devices: 'Passkeys, their devices, and stores of shares.',
      Audit: 'What was decided.',
    },
    security: { token: { type: 'http', scheme: 'bearer', description: 'a token of the server' } },
    errors: { ...ERROR_TABLE, ...XLOCK_ERROR_TABLE, ...API_ERRORS },
  });

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const pathOf = (req: IncomingMessage): string => (req.url ?? '/').split('?')[0]!;

/** Pages of other origins, such as the approval page, post what a device has signed. */
const withCors =
  (app: Handler): Handler =>
  (req, res) => {
    if (pathOf(req) !== ANSWER_PATH || !answerCors(req, res)) app(req, res);
  };

function mounted(
  mounts: readonly XlockMount[],
  app: Handler,
  parts: XlockServerParts,
  logger: Logger,
): Handler {
  return (req, res) => {
    const path = pathOf(req);
    const mount = mounts.find((each) => path === each.path || path.startsWith(`${each.path}/`));
    if (!mount) return app(req, res);
    Promise.resolve()
      .then(() => mount.handle(req, res, parts))
      .catch((error: unknown) => {
        logger.error({ mount: mount.path, error: String((error as Error)?.name) }, 'a mount failed');
        if (res.headersSent) return void res.destroy();
        const { status, headers, body } = problemOf(apiError('INTERNAL'));
        res.writeHead(status, headers).end(body);
      });
  };
}
