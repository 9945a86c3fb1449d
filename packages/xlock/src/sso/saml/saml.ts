import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryOperationsStore } from '@private.me/xlink';
import { toXlockError, XlockError } from '../../errors.js';
import { sendJson, sendProblem } from '../../web/exchange.js';
import { sendProblemPage } from '../../web/page.js';
import { loadPeer } from '../peer.js';
import { redirect, type SsoHandler, targetBelow } from '../requests.js';
import { Sweeping } from '../sweeping.js';
import { accepted, FRESH_MS } from './accept.js';
import { Entities, idpMetadata, type SamlifyModule } from './entities.js';
import { checkSamlOptions, type XlockSamlOptions } from './options.js';
import { SamlPages } from './pages.js';
import { SignIns } from './sign-ins.js';
import { postedMessage, redirectedMessage } from './transport.js';

/** An identity provider of SAML 2.0. */
export interface XlockSaml {
  /** Its entity ID: `url` and `/metadata`. */
  readonly entityId: string;
  /** Its metadata, XML, for services; `GET /metadata` answers with it. */
  readonly metadata: string;
  /** Answers what is below the path of `url`: `createServer(saml.handler)`, or `app.use(saml.handler)`. */
  readonly handler: SsoHandler;
}

/**
 * An identity provider of SAML 2.0 (Web Browser SSO, begun by the service; requests by HTTP-Redirect or HTTP-POST, responses by HTTP-POST) whose
 * login is an approval on a device, on the package `samlify` 2.13, which has to be installed. Responses and assertions are signed by RSA with
 * SHA-256; each request gets one response. Rejects with `INVALID_OPTION`.
 */
export async function xlockSaml(options: XlockSamlOptions): Promise<XlockSaml> {
  checkSamlOptions(options);
  const { url, store = new MemoryOperationsStore(), clock: now = Date.now } = options;
  const loaded = await loadPeer('samlify', '2.13', () => import('samlify'));
  const samlify = (loaded as unknown as { default?: SamlifyModule }).default ?? loaded;
  const entities = new Entities(samlify, options);
  const signIns = new SignIns(store, now);
  const pages = new SamlPages(options, store, now, signIns, entities);
  const sweeping = new Sweeping(now, [signIns, pages]);
  const metadata = idpMetadata(options);
  const path = new URL(url).pathname.replace(/\/$/, '');
  const { maxRelayState = 1024, clockSkewMs = 60_000 } = options;

  async function begin(request: IncomingMessage, response: ServerResponse, query: string): Promise<void> {
    sweeping.begin();
    const message =
      request.method === 'POST'
        ? await postedMessage(request, maxRelayState)
        : redirectedMessage(query, maxRelayState);
    const signIn = accepted(message, entities, options, now());
    const id = await signIns.begin(signIn, FRESH_MS + 2 * clockSkewMs);
    // A page of its own: browsers send no cookies with what another site posts.
    redirect(response, `${path}/sign-in/${id}`);
  }

  async function answer(request: IncomingMessage, response: ServerResponse, target: string): Promise<void> {
    const [route = '', ...rest] = target.split('?');
    const { method } = request;
    if (route === '/metadata' && method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/samlmetadata+xml' }).end(metadata);
      return;
    }
    if (route === '/sso' && (method === 'GET' || method === 'POST'))
      return begin(request, response, rest.join('?'));
    const [, id, step = 'page'] =
      /^\/sign-in\/([\w-]{22})(?:\/(login|state|cancel|finish))?$/.exec(route) ?? [];
    if (id !== undefined && method === 'GET' && step === 'page') return pages.page(request, response, id);
    if (id !== undefined && method === 'GET' && step === 'finish') return pages.finish(request, response, id);
    if (id !== undefined && method === 'POST' && step !== 'page' && step !== 'finish')
      return sendJson(response, 200, await pages.step(request, response, id, step));
    throw new XlockError('NOT_FOUND');
  }

  return {
    entityId: `${url}/metadata`,
    metadata,
    handler(request, response, next) {
      const target = targetBelow(request, path);
      if (target === undefined && next) return next();
      const isPage = request.method === 'GET' || target?.startsWith('/sso') === true;
      answer(request, response, target ?? '').catch((error: unknown) => {
        if (response.headersSent || !isPage) sendProblem(response, error);
        else sendProblemPage(response, toXlockError(error));
      });
    },
  };
}
