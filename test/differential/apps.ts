import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { ExpressMiddleware } from '@private.me/xlink';
import type { KoaMiddleware } from '@private.me/xlink/koa';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type Koa from 'koa';
import { FRAMEWORKS as EXPRESSES, type Express } from '../support/express.js';
import { clientOf } from '../support/keys.js';
import { KOAS, type KoaClass } from '../support/koa.js';
import type { ExpressParts, KoaParts, NodeHandler, Protocol, Row } from './row.js';
import type { Trace } from './trace.js';

/** What stands where the adapter stands. */
export interface Gate {
  readonly express: () => ExpressMiddleware;
  readonly koa: () => KoaMiddleware;
}

export type Framework = 'Express 4' | 'Express 5' | 'Koa 2' | 'Koa 3';

/** The check of a key as a team writes it by hand: it asks a store, which takes a moment. */
export const HAND_WRITTEN: Gate = {
  express: () => (req, res, next) =>
    void Promise.resolve(req.headers['x-api-key']).then((key) => {
      if (clientOf(String(key))) return next();
      res.statusCode = 401;
      res.end();
    }),
  koa: () => async (ctx, next) => {
    if (await Promise.resolve(clientOf(String(ctx.req.headers['x-api-key'])))) await next();
    else ctx.status = 401;
  },
};

/** The frameworks that a row is for. */
export const frameworksOf = ({ express, koa, node, only }: Row): Framework[] =>
  (['Express 4', 'Express 5', 'Koa 2', 'Koa 3'] as const).filter(
    (name) =>
      (node || (name.startsWith('Express') ? express : koa)) && (only?.frameworks?.test(name) ?? true),
  );

/** The application of a row. */
export function listenerFor(
  row: Row,
  framework: Framework,
  protocol: Protocol,
  gate: Gate,
  trace: Trace,
): RequestListener {
  const { node } = row;
  if (framework.startsWith('Express')) {
    const { express } = EXPRESSES.find(({ name }) => name === framework)!;
    return expressApp(express, protocol, gate, row.express?.(trace) ?? inExpress(node!(trace)));
  }
  const { Koa } = KOAS.find(({ name }) => name === framework)!;
  return koaApp(Koa, gate, row.koa?.(trace) ?? inKoa(node!(trace)), trace);
}

const inExpress = (handler: NodeHandler): ExpressParts => ({
  handler: (req, res, next) => {
    Promise.resolve()
      .then(() => handler(req, res))
      .catch(next);
  },
});

const inKoa = (handler: NodeHandler): KoaParts => ({
  handler(ctx) {
    ctx.respond = false;
    ctx.res.statusCode = 200;
    return handler(ctx.req, ctx.res) as Promise<void>;
  },
});

function expressApp(
  express: Express,
  protocol: Protocol,
  gate: Gate,
  { before = [], behind = [], handler, errors = [] }: ExpressParts,
): RequestListener {
  const app = express();
  app.set('env', 'production'); // no stacks in answers: they are those of the test
  if (protocol === 'HTTP/2') onHttp2(app as never);
  const stack: (RequestHandler | ErrorRequestHandler)[] = [
    ...before,
    gate.express() as unknown as RequestHandler,
    ...behind,
    handler,
    ...errors,
  ];
  for (const each of stack) app.use(each as RequestHandler);
  return app as unknown as RequestListener;
}

/** Express makes requests and responses those of HTTP/1 by their prototypes. This is what its bridges to HTTP/2 do about that. */
function onHttp2(app: { request: object; response: object }): void {
  const bridged = (own: object, base: object) => {
    const methods = Object.create(base, Object.getOwnPropertyDescriptors(Object.getPrototypeOf(own)));
    return Object.create(methods, Object.getOwnPropertyDescriptors(own));
  };
  app.request = bridged(app.request, Http2ServerRequest.prototype);
  app.response = bridged(app.response, Http2ServerResponse.prototype);
}

function koaApp(
  Class: KoaClass,
  gate: Gate,
  { before = [], behind = [], handler, set }: KoaParts,
  trace: Trace,
): RequestListener {
  const app = new Class();
  app.on('error', (error: { message: string; code?: string }) =>
    trace.note('app: error', error.code ?? error.message),
  );
  set?.(app as unknown as Koa);
  for (const each of [...before, gate.koa() as never, ...behind, handler]) app.use(each as never);
  const listener = app.callback();
  return (req: IncomingMessage, res: ServerResponse) => void listener(req, res);
}
