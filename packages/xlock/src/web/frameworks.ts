import type { IncomingMessage, ServerResponse } from 'node:http';
import type { XlockSession } from '../verifier/sessions.js';
import { XlockGate } from './gate.js';
import type { XlockGateOptions } from './gate-options.js';

const sessions = new WeakMap<IncomingMessage, XlockSession>();

/**
 * The session that let a request pass: of `req` in Express, `ctx.req` in Koa, `request.raw` in Fastify. `undefined` on public paths. Nothing that
 * another library writes on the request is believed.
 */
export const sessionOf = (request: IncomingMessage): XlockSession | undefined => sessions.get(request);

const asGate = (gate: XlockGate | XlockGateOptions): XlockGate =>
  gate instanceof XlockGate ? gate : new XlockGate(gate);

async function passes(gate: XlockGate, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const pass = await gate.pass(request, response);
  if (pass?.session) sessions.set(request, pass.session);
  return pass !== undefined;
}

/** Middleware of Express 4 and 5, and of whatever else speaks `(req, res, next)`. Throws `INVALID_OPTION`. */
export function xlockExpress(
  options: XlockGate | XlockGateOptions,
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  const gate = asGate(options);
  return (request, response, next) => {
    passes(gate, request, response).then((isIn) => isIn && next(), next);
  };
}

/** What is used of a context of Koa. */
export interface KoaLike {
  /** Node's request. */
  readonly req: IncomingMessage;
  /** Node's response. */
  readonly res: ServerResponse;
  /** `false`: Koa leaves the answer to others. */
  respond?: boolean | undefined;
}

/** Middleware of Koa 2 and 3. Throws `INVALID_OPTION`. */
export function xlockKoa(
  options: XlockGate | XlockGateOptions,
): (context: KoaLike, next: () => Promise<unknown>) => Promise<void> {
  const gate = asGate(options);
  return async (context, next) => {
    if (await passes(gate, context.req, context.res)) await next();
    else context.respond = false;
  };
}

/** What is used of Fastify. */
export interface FastifyLike {
  /** Adds a hook. */
  addHook(
    name: 'onRequest',
    hook: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ) => Promise<void>,
  ): unknown;
}

/** Puts the gate before all routes of a Fastify 4 or 5, those without a handler included: `xlockFastify(app, options)`. Throws `INVALID_OPTION`. */
export function xlockFastify(app: FastifyLike, options: XlockGate | XlockGateOptions): void {
  const gate = asGate(options);
  app.addHook('onRequest', async (request, reply) => {
    if (!(await passes(gate, request.raw, reply.raw))) reply.hijack();
  });
}
