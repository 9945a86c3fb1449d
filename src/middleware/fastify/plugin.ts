import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { HttpResponse } from '../../http/decision.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { partOf } from '../adapter-of.js';
import { answerOwnRoute, authenticate } from '../authenticate.js';
import { assertFastify, type Part } from '../framework-check.js';
import type { FrameworkContext } from '../node/framework-context.js';
import { answerRequest, type HeaderHolder, leaveRefusal, setHeaders } from '../node/response.js';
import type { NodeRequest, NodeResponse, RequestExtras } from '../node/types.js';
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
  /** Whether the reply is on its way. */
  readonly sent: boolean;
  /** A header that was set. */
  getHeader(name: string): unknown;
  /** Sets a header. */
  header(name: string, value: string): FastifyReply;
  /** Sends the body and ends the reply. */
  send(payload?: unknown): FastifyReply;
}

/** The parts of a Fastify instance that are used. */
export interface FastifyInstance {
  /** The path that all its routes begin with. */
  readonly prefix: string;
  /** Node's server, one for an instance and all below it. */
  readonly server: object;
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
  return onInstance('adapter', async (fastify) => {
    partOf(adapter, fastify.server);
    for (const name of ['auth', 'agentMessage'])
      if (!fastify.hasRequestDecorator(name)) fastify.decorateRequest(name);
    fastify.addHook('onRequest', async function xlinkAuthentication(request, reply) {
      const context = { ...exchangeOf(request, reply, onRefusal), mount: fastify.prefix };
      const decision = await authenticate(adapter, context);
      if (decision.action === 'pass') {
        setHeaders(headersOf(reply), decision.headers); // which it sends in the place of those of Node's response
        return undefined;
      }
      if (onRefusal && decision.refusal) await refuseFastify(request, reply, decision, onRefusal);
      return reply;
    });
  });
}

/**
 * Answers the routes of the library itself, `/.well-known/xlink.json` and those below `/.well-known/xlink/`, and nothing else, for a
 * plugin that is registered below a prefix: `await app.register(fastifyWellKnown(adapter))` on the root instance, where callers look.
 */
export function fastifyWellKnown(adapter: BaseDualModeAdapter): FastifyPlugin {
  adapter.servesRoot();
  return onInstance('own routes', async (fastify) => {
    fastify.addHook('onRequest', async function xlinkWellKnown(request, reply) {
      const isAnswered = await answerOwnRoute(adapter, exchangeOf(request, reply, undefined));
      return isAnswered ? reply : undefined;
    });
  });
}

/** Its hooks hold for the instance that it is registered with, as if it were no plugin of its own. */
function onInstance(part: Part, register: FastifyPlugin): FastifyPlugin {
  // Two parameters, and it throws: other frameworks call it as middleware, and wait for no promise.
  const plugin = (fastify: FastifyInstance, second?: unknown): Promise<void> => {
    assertFastify(part, fastify, second);
    return register(fastify);
  };
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: '@private.me/xlink',
  });
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply, onRefusal: OnRefusal): FrameworkContext {
  const extras = request.raw as RequestExtras;
  return {
    req: request.raw,
    res: reply.raw,
    request,
    target: request.originalUrl,
    bodies: [extras],
    route: () => request.routeOptions?.url,
    onRefusal,
    answer: (answer: HttpResponse) => {
      if (!onRefusal || !answer.refusal) answerFastify(request, reply, answer);
    },
    shownIn: request as { auth?: unknown },
  };
}

/** Answers what a guard refuses, or leaves it to the API. */
export async function refuseFastify(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: HttpResponse,
  onRefusal: OnRefusal,
): Promise<void> {
  if (!onRefusal || !answer.refusal) return answerFastify(request, reply, answer);
  leaveRefusal(request.raw, headersOf(reply), answer.refusal);
  reply.code(answer.refusal.status);
  await onRefusal(answer.refusal, request, reply);
}

/** Ends the reply with an answer: as bytes, for Fastify serializes what is text, and says more of its type. */
const answerFastify = (request: FastifyRequest, reply: FastifyReply, answer: HttpResponse): void =>
  answerRequest(request.raw, headersOf(reply), answer, ({ status, body }) => {
    reply.code(status).send(encodeUtf8(body));
  });

const headersOf = (reply: FastifyReply): HeaderHolder => ({
  headersSent: reply.sent,
  getHeader: (name) => reply.getHeader(name),
  setHeader: (name, value) => reply.header(name, value),
});
