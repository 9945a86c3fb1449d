import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { HttpResponse } from '../../http/decision.js';
import { authenticate } from '../authenticate.js';
import { wrongFramework } from '../framework-check.js';
import type { BodyHolder, NodeRequest, NodeResponse, RequestExtras } from '../node/types.js';
import { checkMiddlewareOptions, type MiddlewareOptions } from '../refusal-options.js';

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

/** Options of {@link fastifyXlink}; what `onRefusal` throws goes to the error handler of Fastify. */
export type FastifyOptions<
  Request extends FastifyRequest = FastifyRequest,
  Reply extends FastifyReply = FastifyReply,
> = MiddlewareOptions<[request: Request, reply: Reply]>;

type OnRefusal = FastifyOptions['onRefusal'];

/**
 * Lets requests through, or answers them, as the adapter decides: `await app.register(fastifyXlink(adapter))`, in front of the
 * routes. It holds for the instance that it is registered with and all below, as if it were no plugin of its own.
 * `request.auth` says who it is, and so does `authOf(request)`. Throws `INVALID_OPTION`.
 */
export function fastifyXlink<
  Request extends FastifyRequest = FastifyRequest,
  Reply extends FastifyReply = FastifyReply,
>(adapter: BaseDualModeAdapter, options: FastifyOptions<Request, Reply> = {}): FastifyPlugin {
  checkMiddlewareOptions('fastifyXlink', options);
  const onRefusal = options.onRefusal?.bind(options) as OnRefusal;
  const plugin: FastifyPlugin = async (fastify) => {
    if (typeof fastify?.decorateRequest !== 'function') wrongFramework(fastify, undefined);
    for (const name of ['auth', 'agentMessage'])
      if (!fastify.hasRequestDecorator(name)) fastify.decorateRequest(name);
    fastify.addHook('onRequest', async function xlinkAuthentication(request, reply) {
      const decision = await authenticate(adapter, exchangeOf(request, reply, onRefusal));
      if (decision.action === 'pass') return undefined;
      if (onRefusal && decision.refusal) await refuseFastify(request, reply, decision, onRefusal);
      return reply;
    });
  };
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: '@private.me/xlink',
  });
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply, onRefusal: OnRefusal) {
  const extras = request.raw as RequestExtras;
  const bodies: BodyHolder[] = [extras];
  return {
    req: request.raw,
    res: reply.raw,
    request,
    target: request.originalUrl,
    bodies,
    route: () => request.routeOptions?.url,
    onRefusal,
    answer: (answer: HttpResponse) => {
      if (!onRefusal || !answer.refusal) answerFastify(reply, answer);
    },
    shownIn: request,
  };
}

/** Answers what a guard refuses, or leaves it to the API. */
export async function refuseFastify(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: HttpResponse,
  onRefusal: OnRefusal,
): Promise<void> {
  if (!onRefusal || !answer.refusal) return answerFastify(reply, answer);
  reply.headers({ ...answer.refusal.headers });
  await onRefusal(answer.refusal, request, reply);
}

/** Ends the reply with an answer. */
export function answerFastify(reply: FastifyReply, { status, headers, body }: HttpResponse): void {
  reply
    .code(status)
    .headers({ ...headers })
    .send(body);
}
