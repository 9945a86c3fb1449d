import { type RequestListener, Server } from 'node:http';
import { xlinkError } from '../errors/errors.js';

/** An app under test: Express, Koa, Fastify, Hono, Nest, or a server or request listener of Node. */
export type TestedApp = object;

/** Fastify. */
interface InjectApp {
  inject(request: object): Promise<unknown>;
  ready?(): PromiseLike<unknown>;
}

/** Hono, and whatever else follows the Fetch standard. */
interface FetchApp {
  fetch(request: Request): Response | Promise<Response>;
}

const has = (app: TestedApp, name: string): boolean =>
  typeof (app as Record<string, unknown>)[name] === 'function';

export const isInjectApp = (app: TestedApp): app is InjectApp => has(app, 'inject');
export const isFetchApp = (app: TestedApp): app is FetchApp => has(app, 'fetch');

/** What answers the requests to an app. Throws `INVALID_OPTION`. */
export async function listenerOf(app: TestedApp): Promise<RequestListener> {
  const found = app as {
    callback?: () => RequestListener;
    ready?: () => PromiseLike<unknown>;
    getHttpServer?: () => Server;
    server?: Server;
  };
  if (app instanceof Server) return (req, res) => void app.emit('request', req, res);
  if (has(app, 'getHttpServer')) return listenerOf(found.getHttpServer!());
  if (isInjectApp(app)) {
    await found.ready?.();
    return listenerOf(found.server!);
  }
  if (has(app, 'callback')) return found.callback!();
  if (typeof app === 'function') return app as RequestListener;
  const hint =
    'signedRequest: by supertest goes an app of Express, Koa, Fastify or Nest, or a server or listener of Node.';
  throw xlinkError('INVALID_OPTION', { field: 'app', hint });
}
