import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { blockOf, peerAddress } from '@private.me/xlink/http-api';
import { isPrivateHost } from '@private.me/xlink/server';
import { isXlockError, toXlockError, XlockError } from '../errors.js';
import { approvalLink } from '../page/approval-page.js';
import { fromBase64url, isMembers, toBase64url } from '../util/bytes.js';
import { qrPath } from '../util/qr-path.js';
import { partsOfGiven } from '../verifier/parts.js';
import { asked } from '../verifier/records.js';
import type { XlockSession } from '../verifier/sessions.js';
import type { VerifiedAuth } from '../verifier/verifier.js';
import { cookieIn, cookieLine } from './cookies.js';
import { answerCors } from './cors.js';
import { bodyOf, sendJson, sendProblem } from './exchange.js';
import { checkGateOptions, type XlockGateOptions } from './gate-options.js';
import { isLinkPath, sendLinkPage } from './link-page.js';
import { addressAndBrowser, clippedMetadata } from './metadata.js';
import { sendProblemPage, sendSignInPage } from './page.js';
import { safeNext, type Target, targetOf } from './target.js';
import { answerWebauthn } from './webauthn-routes.js';

/** Whether a request may pass, and as whom; `undefined`: it was answered. `session` is absent for public paths. */
export type GatePass = { readonly session: XlockSession | undefined } | undefined;

const ADDRESS_WINDOW_MS = 300_000;
/** How long a browser keeps the secret that binds its logins to it, in seconds. */
const BROWSER_SECONDS = 3600;

/** Stands before a web application: its own routes log in and out, and everything else needs a session. Knows no framework. */
export class XlockGate {
  readonly #options: XlockGateOptions;
  readonly #base: string;
  readonly #isSecure: boolean;
  readonly #names: { readonly session: string; readonly browser: string };

  /** Throws `INVALID_OPTION`. */
  constructor(options: XlockGateOptions) {
    checkGateOptions(options);
    const { basePath = '/xlock', cookiePrefix = 'xlock', verifier } = options;
    this.#options = { ...options };
    this.#base = basePath.replace(/\/+$/, '');
    this.#isSecure = verifier.origin.startsWith('https:');
    this.#names = { session: `${cookiePrefix}_session`, browser: `${cookiePrefix}_browser` };
  }

  /** Answers what is for the gate, and what may not pass. Never rejects. */
  async pass(request: IncomingMessage, response: ServerResponse): Promise<GatePass> {
    const target = targetOf(request);
    const { path } = target;
    try {
      if (path.startsWith(`${this.#base}/`)) {
        await this.#own(request, response, target);
        return undefined;
      }
      if (isLinkPath(path)) {
        const { verifier, approvalPage } = this.#options;
        await sendLinkPage(request, response, { verifier, target, approvalPage });
        return undefined;
      }
      const session = await this.#session(request);
      if (session) return { session };
      const { loginPage = `${this.#base}/sign-in` } = this.#options;
      if ((target.isPlain && path === loginPage) || (await this.#isPublic(target, request)))
        return { session: undefined };
      if (loginPage === false || !wantsPage(request)) throw new XlockError('SESSION_INVALID');
      const next = encodeURIComponent(this.#outside(target.whole));
      const location = `${this.#outside(loginPage)}?next=${next}`;
      response.writeHead(303, { location, 'cache-control': 'no-store' }).end();
      return undefined;
    } catch (error) {
      this.#problem(request, response, error, isLinkPath(path) && wantsPage(request));
      return undefined;
    }
  }

  /**
   * The session of a request that asks for an upgrade, such as a WebSocket: servers do not bring these before middleware, so ask here, and refuse
   * without one. `undefined`, too, for a page of another origin. Rejects with `STORE_UNAVAILABLE`.
   */
  async upgrade(request: IncomingMessage): Promise<XlockSession | undefined> {
    const { origin } = request.headers;
    if (origin !== undefined && origin !== this.#options.verifier.origin) return undefined;
    return this.#session(request);
  }

  async #own(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const route = target.path.slice(this.#base.length + 1);
    const { method } = request;
    const [, id] = /^login\/([\w-]{22})$/.exec(route) ?? [];
    if (method === 'GET' && route === 'sign-in') return this.#page(response, target);
    if (method === 'POST' && route === 'login') return this.#begin(request, response);
    if (method === 'GET' && id) return this.#state(request, response, id);
    if (route === 'answer' && answerCors(request, response)) return;
    if (method === 'POST' && route === 'answer') return this.#answer(request, response);
    if (method === 'POST' && route === 'logout') return this.#logout(request, response);
    if (method === 'POST' && route.startsWith('webauthn/')) return this.#webauthn(request, response, route);
    throw new XlockError('NOT_FOUND');
  }

  #page(response: ServerResponse, { whole }: Target): void {
    const { origin } = this.#options.verifier;
    const query = new URLSearchParams(whole.split('?')[1] ?? '');
    sendSignInPage(response, {
      base: this.#outside(this.#base),
      service: new URL(origin).host,
      origin,
      userId: '',
      next: safeNext(query.get('next'), origin),
    });
  }

  async #begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#assertOwnPage(request);
    await this.#assertCalm(request);
    const body = await bodyOf(request);
    const userId = isMembers(body) ? body['userId'] : undefined;
    if (typeof userId !== 'string' || userId === '' || userId.length > 256)
      throw new XlockError('REQUEST_INVALID', {
        field: 'userId',
        resolution: 'userId must be a text of 1 to 256 characters.',
      });
    const { verifier, approvalPage } = this.#options;
    const binding = this.#browserSecret(request, response);
    const metadata = this.#metadata(request);
    const issued = await verifier.createLoginChallenge({ userId, metadata, binding });
    const { id, match, text, links, respondBy, issuedAt, origin } = issued;
    const link = approvalPage === undefined ? links.https : approvalLink(approvalPage, text);
    sendJson(response, 201, {
      ...{ id, match, origin, respondBy, leftMs: respondBy - issuedAt },
      ...{ link, appLink: links.app, text, code: qrPath(link, 'low') },
    });
  }

  async #state(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    // It begins a session: no other site, nor a link that somebody sent, may lead a browser here.
    const { 'sec-fetch-site': site } = request.headers;
    if (site !== undefined && site !== 'same-origin') throw new XlockError('REQUEST_INVALID:ORIGIN');
    const { verifier, waitMs = 25_000 } = this.#options;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const binding = this.#cookieIn(request, this.#names.browser);
    const verified = await verifier.verifyAuth(id, { waitMs, binding, signal: gone.signal });
    if (!verified.ok) {
      if (Object(verified.error.details).pending) return sendJson(response, 200, { state: 'pending' });
      throw verified.error;
    }
    await this.#enter(response, verified.value);
    sendJson(response, 200, { state: 'approved' });
  }

  async #enter(response: ServerResponse, who: VerifiedAuth): Promise<void> {
    const { token, session } = await this.#options.verifier.beginSession(who);
    const seconds = Math.floor((session.until - session.createdAt) / 1000);
    response.appendHeader('set-cookie', this.#cookie(this.#names.session, token, seconds));
  }

  async #webauthn(request: IncomingMessage, response: ServerResponse, route: string): Promise<void> {
    const { webauthn } = this.#options;
    if (!webauthn) throw new XlockError('NOT_FOUND');
    this.#assertOwnPage(request);
    await answerWebauthn(route, {
      webauthn,
      request,
      response,
      binding: this.#cookieIn(request, this.#names.browser),
      bind: () => this.#browserSecret(request, response),
      session: async () => {
        const session = await this.#session(request);
        if (!session) throw new XlockError('SESSION_INVALID');
        return session;
      },
      begin: (who) => this.#enter(response, who),
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const { verifier, onRegistered } = this.#options;
    if (Object(body).decision !== 'registered')
      return sendJson(response, 200, { state: (await verifier.respond(body)).state });
    const verified = await verifier.verifyRegistration(body);
    if (!verified.ok) throw verified.error;
    try {
      onRegistered?.(verified.value);
    } catch (error) {
      this.#tell(error, request); // the device is registered all the same
    }
    sendJson(response, 200, { state: 'approved' });
  }

  async #logout(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#assertOwnPage(request);
    const { session, browser } = this.#names;
    const token = this.#cookieIn(request, session);
    if (token) await this.#options.verifier.endSession(token);
    response.setHeader('set-cookie', [this.#cookie(session, '', 0), this.#cookie(browser, '', 0)]);
    sendJson(response, 200, { state: 'out' });
  }

  async #session(request: IncomingMessage): Promise<XlockSession | undefined> {
    const token = this.#cookieIn(request, this.#names.session);
    const found = await this.#options.verifier.verifySession(token);
    if (found.ok) return found.value;
    if (isXlockError(found.error, 'SESSION_INVALID')) return undefined;
    throw found.error;
  }

  async #isPublic({ path, isPlain }: Target, request: IncomingMessage): Promise<boolean> {
    if (!isPlain) return false;
    try {
      return (await this.#options.isPublic?.(path)) === true;
    } catch (error) {
      this.#tell(error, request);
      return false;
    }
  }

  #metadata(request: IncomingMessage): Record<string, string> {
    const { metadataOf = addressAndBrowser } = this.#options;
    try {
      return clippedMetadata(metadataOf(request));
    } catch (error) {
      this.#tell(error, request);
      return addressAndBrowser(request);
    }
  }

  /** Throws `CHALLENGE_GENERATION_FAILED:FLOOD` where too many logins come from one address. */
  async #assertCalm(request: IncomingMessage): Promise<void> {
    const { addressOf = publicPeer, loginsPerAddress = 300, verifier } = this.#options;
    if (addressOf(request) === undefined) return;
    const { limits } = partsOfGiven('XlockGate', verifier);
    const name = `xlock-address ${blockOf(addressOf, request)}`;
    const { count } = await asked(async () => limits.take(name, ADDRESS_WINDOW_MS));
    if (count > loginsPerAddress) throw new XlockError('CHALLENGE_GENERATION_FAILED:FLOOD');
  }

  /** Browsers say from which page a `POST` comes. */
  #assertOwnPage({ headers: { origin, 'sec-fetch-site': site } }: IncomingMessage): void {
    const isOwn = origin === undefined || origin === this.#options.verifier.origin;
    if (!isOwn || site === 'cross-site') throw new XlockError('REQUEST_INVALID:ORIGIN');
  }

  /** The secret that the browser has, so that its tabs do not end each other's logins, or a new one, which the answer gives it. */
  #browserSecret(request: IncomingMessage, response: ServerResponse): string {
    const known = this.#cookieIn(request, this.#names.browser);
    const secret = fromBase64url(known, 32) ? known : toBase64url(randomBytes(32));
    response.appendHeader('set-cookie', this.#cookie(this.#names.browser, secret, BROWSER_SECONDS));
    return secret;
  }

  #cookieIn(request: IncomingMessage, name: string): string {
    return cookieIn(request, name, this.#isSecure) ?? '';
  }

  #cookie(name: string, value: string, seconds: number): string {
    return cookieLine(name, value, seconds, this.#isSecure);
  }

  /** A path as browsers have it. */
  #outside(path: string): string {
    return (this.#options.publicPrefix ?? '') + path;
  }

  #problem(request: IncomingMessage, response: ServerResponse, error: unknown, isPage: boolean): void {
    const told = toXlockError(error);
    if (told.status >= 500) this.#tell(told.id === 'INTERNAL' ? (told.cause ?? told) : told, request);
    if (isPage && !response.headersSent) sendProblemPage(response, told);
    else sendProblem(response, told);
  }

  #tell(error: unknown, request: IncomingMessage): void {
    try {
      this.#options.onError?.(error, request);
    } catch {} // who is told must not end the request
  }
}

const wantsPage = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && /\btext\/html\b/.test(String(headers.accept ?? ''));

/** The address of the connection, unless it is of a proxy or a machine beside this one, which many may share. */
const publicPeer: typeof peerAddress = (request) => {
  const address = peerAddress(request);
  if (address === undefined) return undefined;
  return isPrivateHost(address.includes(':') ? `[${address}]` : address) ? undefined : address;
};
