import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isXlockError, toXlockError, XlockError } from '../errors.js';
import { isMembers, toBase64url } from '../util/bytes.js';
import { checkNames, checkValue, hasMethods, invalidOption, isFunction } from '../util/options.js';
import type { XlockSession } from '../verifier/sessions.js';
import type { VerifiedRegistration, XlockVerifier } from '../verifier/verifier.js';
import { cookieIn, cookieLine } from './cookies.js';
import { bodyOf, sendJson } from './exchange.js';

/** Options of {@link XlockGate}. */
export interface XlockGateOptions {
  /** Makes and checks challenges and sessions. Its `answerPath` must be `basePath` and `/answer`. */
  readonly verifier: XlockVerifier;
  /** Where the routes of the gate are. Default `/xlock`. */
  readonly basePath?: string;
  /** Where browsers without a session are sent (`303`) that ask for a page; a path, which itself passes. Default: they get `401` as JSON. */
  readonly loginPage?: string;
  /** Paths that pass without a session, beside `loginPage`. Default none. */
  readonly isPublic?: (path: string) => boolean;
  /** What the device shows: where the login comes from. Default: the address of the connection, and the browser as it calls itself. */
  readonly metadataOf?: (request: IncomingMessage) => Readonly<Record<string, string>>;
  /** Told that a device registered. Default: not called. */
  readonly onRegistered?: (registration: VerifiedRegistration) => void;
  /** How long a question for the state of a login waits, in ms, up to 60 000. Default 25 000. */
  readonly waitMs?: number;
}

/** Whether a request may pass, and as whom; `undefined`: it was answered. `session` is absent for public paths. */
export type GatePass = { readonly session: XlockSession | undefined } | undefined;

const SESSION = 'xlock_session';
const BROWSER = 'xlock_browser';

/** Stands before a web application: its own routes log in and out, and everything else needs a session. Knows no framework. */
export class XlockGate {
  readonly #options: XlockGateOptions;
  readonly #base: string;

  /** Throws `INVALID_OPTION`. */
  constructor(options: XlockGateOptions) {
    const OWNER = 'XlockGate';
    const names = ['verifier', 'basePath', 'loginPage', 'isPublic', 'metadataOf', 'onRegistered', 'waitMs'];
    checkNames(OWNER, options, names);
    const { basePath = '/xlock', loginPage } = options;
    if (!hasMethods('createAuthChallenge', 'verifySession')(options.verifier))
      throw invalidOption('verifier', `${OWNER}: verifier must be an XlockVerifier.`);
    const isPath = (path: string) => /^\/[\w./-]*$/.test(path) && !path.startsWith('//');
    checkValue(OWNER, 'basePath', basePath, isPath, 'a path such as /xlock');
    checkValue(OWNER, 'loginPage', loginPage, isPath, 'a path such as /login');
    for (const name of ['isPublic', 'metadataOf', 'onRegistered'] as const)
      checkValue(OWNER, name, options[name] as unknown, isFunction, 'a function');
    this.#options = options;
    this.#base = basePath.replace(/\/+$/, '');
  }

  /** Answers what is for the gate, and what may not pass. Never rejects. */
  async pass(request: IncomingMessage, response: ServerResponse): Promise<GatePass> {
    try {
      // What the framework was asked for: Express cuts `url` below a mount.
      const target = (request as { originalUrl?: string }).originalUrl ?? request.url ?? '/';
      const path = target.split('?')[0]!;
      if (path.startsWith(`${this.#base}/`)) {
        await this.#own(request, response, path.slice(this.#base.length + 1));
        return undefined;
      }
      const found = await this.#options.verifier.verifySession(cookieIn(request, SESSION));
      if (found.ok) return { session: found.value };
      if (!isXlockError(found.error, 'SESSION_INVALID')) throw found.error;
      const { loginPage, isPublic } = this.#options;
      if (path === loginPage || isPublic?.(path)) return { session: undefined };
      const wantsPage =
        request.method === 'GET' && /\btext\/html\b/.test(String(request.headers.accept ?? ''));
      if (loginPage === undefined || !wantsPage) throw found.error;
      response.writeHead(303, { location: loginPage, 'cache-control': 'no-store' }).end();
      return undefined;
    } catch (error) {
      sendProblem(response, error);
      return undefined;
    }
  }

  async #own(request: IncomingMessage, response: ServerResponse, route: string): Promise<void> {
    const { method } = request;
    const [, id] = /^login\/([\w-]{22})$/.exec(route) ?? [];
    if (method === 'POST' && route === 'login') return this.#begin(request, response);
    if (method === 'GET' && id) return this.#state(request, response, id);
    if (method === 'POST' && route === 'answer') return this.#answer(request, response);
    if (method === 'POST' && route === 'logout') return this.#logout(request, response);
    throw new XlockError('NOT_FOUND');
  }

  async #begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#assertOwnPage(request);
    const body = await bodyOf(request);
    const userId = isMembers(body) ? body['userId'] : undefined;
    if (typeof userId !== 'string' || userId === '' || userId.length > 256)
      throw new XlockError('REQUEST_INVALID', { field: 'userId' });
    const binding = toBase64url(randomBytes(32));
    const metadata = (this.#options.metadataOf ?? addressAndBrowser)(request);
    const { verifier } = this.#options;
    const issued = await verifier.createAuthChallenge({ userId, metadata, binding }).catch((error) => {
      // Who is no user gets an answer like anybody else.
      if (!isXlockError(error, 'PASSKEY_NOT_FOUND')) throw error;
      return verifier.createDecoyChallenge({ metadata, binding });
    });
    const { id, match, links, respondBy, origin } = issued;
    response.setHeader('set-cookie', this.#cookie(BROWSER, binding, 600));
    sendJson(response, 201, { id, match, origin, respondBy, link: links.https, appLink: links.app });
  }

  async #state(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const { verifier, waitMs = 25_000 } = this.#options;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const binding = cookieIn(request, BROWSER) ?? '';
    const verified = await verifier.verifyAuth(id, { waitMs, binding, signal: gone.signal });
    if (!verified.ok) {
      if (Object(verified.error.details).pending) return sendJson(response, 200, { state: 'pending' });
      throw verified.error;
    }
    const { token, session } = await verifier.beginSession(verified.value);
    const seconds = Math.floor((session.until - session.createdAt) / 1000);
    response.setHeader('set-cookie', [this.#cookie(SESSION, token, seconds), this.#cookie(BROWSER, '', 0)]);
    sendJson(response, 200, { state: 'approved' });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const { verifier, onRegistered } = this.#options;
    if (Object(body).decision !== 'registered')
      return sendJson(response, 200, { state: (await verifier.respond(body)).state });
    const verified = await verifier.verifyRegistration(body);
    if (!verified.ok) throw verified.error;
    onRegistered?.(verified.value);
    sendJson(response, 200, { state: 'approved' });
  }

  async #logout(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#assertOwnPage(request);
    const token = cookieIn(request, SESSION);
    if (token) await this.#options.verifier.endSession(token);
    response.setHeader('set-cookie', this.#cookie(SESSION, '', 0));
    sendJson(response, 200, { state: 'out' });
  }

  /** Browsers say from which page a `POST` comes. */
  #assertOwnPage({ headers: { origin, 'sec-fetch-site': site } }: IncomingMessage): void {
    const isOwn = origin === undefined || origin === this.#options.verifier.origin;
    if (!isOwn || site === 'cross-site') throw new XlockError('REQUEST_INVALID:ORIGIN');
  }

  #cookie(name: string, value: string, seconds: number): string {
    return cookieLine(name, value, seconds, this.#options.verifier.origin.startsWith('https:'));
  }
}

/** What goes out is of the table: an error of anybody else says nothing of itself. */
function sendProblem(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.end();
  const { id, code, category, status, title, resolution } = toXlockError(error);
  sendJson(response, status, { id, code, category, message: title, resolution });
}

function addressAndBrowser({ socket, headers }: IncomingMessage): Record<string, string> {
  const browser = String(headers['user-agent'] ?? '')
    .replace(/[^\x20-\x7e]/g, '')
    .slice(0, 120);
  return {
    ...(socket.remoteAddress ? { ip: socket.remoteAddress } : {}),
    ...(browser.trim() === '' ? {} : { browser }),
  };
}
