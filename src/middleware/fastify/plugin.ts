import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { HttpResponse } from '../../http/decision.js';
import { authenticate } from '../authenticate.js';
import { wrongFramework } from '../framework-check.js';
import type { BodyHolder, NodeRequest, NodeResponse, RequestExtras } from '../node/types.js';

/** The parts of a Fastify request that are used. */
export interface FastifyRequest {
  /** Node's request. */
  readonly raw: NodeRequest;
  /** Path and query as the client sent them. */
  readonly originalUrl: string;
  /** The route that it matched. */
  readonly routeOptions?: { readonly url?: string | undefined };
}

/** The parts of a Fastify reply that are used. */
export interface FastifyReply {
  /** Node's response. */
  readonly raw: NodeResponse;
  /** Sets the status. */
  code(status: number): FastifyReply;
  /** Sets headers. */
  headers(values: Record<string, string>): FastifyReply;
  /** Sends the body and ends the reply. */
  send(payload?: unknown): FastifyReply;
}

/** The parts of a Fastify instance that are used. */
export interface FastifyInstance {
  /** Declares a member of requests. */
  decorateRequest(name: string, value?: unknown): unknown;
  /** Whether such a member is declared. */
  hasRequestDecorator(name: string): boolean;
  /** Adds a hook that sees requests before their bodies are read. */
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
  ): unknown;
}

/** A plugin for Fastify 4 and 5. */
export type FastifyPlugin = (fastify: FastifyInstance) => Promise<void>;

/**
 * Lets requests through, or answers them, as the adapter decides: `await app.register(fastifyXlink(adapter))`, in front of the
 * routes. It holds for the instance that it is registered with and all below, as if it were no plugin of its own.
 * `request.auth` says who it is, and so does `authOf(request)`.
 */
export function fastifyXlink(adapter: BaseDualModeAdapter): FastifyPlugin {
  const plugin: FastifyPlugin = async (fastify) => {
    if (typeof fastify?.decorateRequest !== 'function') wrongFramework(fastify, undefined);
    for (const name of ['auth', 'agentMessage'])
      if (!fastify.hasRequestDecorator(name)) fastify.decorateRequest(name);
    fastify.addHook('onRequest', async function xlinkAuthentication(request, reply) {
      const { action } = await authenticate(adapter, exchangeOf(request, reply));
      return action === 'answer' ? reply : undefined;
    });
  };
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: '@private.me/xlink',
  });
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply) {
  const extras = request.raw as RequestExtras;
  const bodies: BodyHolder[] = [extras];
  return {
    req: request.raw,
    res: reply.raw,
    request,
    target: request.originalUrl,
    bodies,
    route: () => request.routeOptions?.url,
    answer: (answer: HttpResponse) => answerFastify(reply, answer),
    shownIn: request,
  };
}

/** Ends the reply with an answer. */
export function answerFastify(reply: FastifyReply, { status, headers, body }: HttpResponse): void {
  reply
    .code(status)
    .headers({ ...headers })
    .send(body);
}
