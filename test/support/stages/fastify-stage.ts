import type { RequestListener } from 'node:http';
import { type AgentMessage, authOf } from '@private.me/xlink';
import {
  fastifyWellKnown,
  fastifyXlink,
  requireScope,
  requireThat,
  requireXlink,
} from '@private.me/xlink/fastify';
import type Fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Call, Recorder } from '../service.js';
import { eventStream, waitingIn } from './express-stage.js';
import { guardOf, isGuarded, type Plan, prefixOf, type Waiting } from './plan.js';

/** The API of a plan with Fastify. */
export async function fastifyApi(
  make: typeof Fastify,
  parts: Recorder,
  plan: Plan,
  slow: Waiting[],
): Promise<RequestListener> {
  const app = make({ bodyLimit: 16 * 1024 * 1024 });
  // Bytes for all, so that tests see what arrives.
  app.removeAllContentTypeParsers();
  if (plan.forward) app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  else app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (_request, reply) => void reply.headers({ ...plan.headers } as never));
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = plan.onError?.(error as Error) ?? { status: 500, body: {} };
    reply.code(status).send(body);
  });
  if (plan.wellKnown) await app.register(fastifyWellKnown(parts.adapter) as never);
  const prefix = prefixOf(plan);
  if (prefix === undefined) await serveIn(app, parts, plan, slow);
  else {
    await app.register((below) => serveIn(below, parts, plan, slow), { prefix });
    app.get('/open', recording(parts));
  }
  await app.ready();
  return app.routing as RequestListener;
}

async function serveIn(app: FastifyInstance, parts: Recorder, plan: Plan, slow: Waiting[]): Promise<void> {
  if (plan.at !== 'nowhere') await app.register(adapterOf(parts, plan));
  const { second } = plan;
  if (second)
    await app.register(
      async (below) => {
        await below.register(fastifyXlink(second.adapter) as never);
        below.all('/', recording(parts));
      },
      { prefix: second.path },
    );
  if (plan.meddle) app.addHook('onRequest', async (request) => plan.meddle!(request as object, request));
  if (plan.guard) {
    const { name } = plan.guard;
    const guard = guardOf({ requireScope, requireThat, requireXlink }, name);
    app.addHook('preHandler', async (request, reply) =>
      isGuarded(plan, request.url) ? guard(request as never, reply as never) : undefined,
    );
  }
  app.post('/unread', async () => ({ ok: true }));
  app.get('/throws', async () => {
    throw new Error('handler');
  });
  app.get('/none', (_request, reply) => reply.code(204).send());
  app.get('/events', (_request, reply) => {
    reply.hijack();
    eventStream(undefined, reply.raw as never);
  });
  app.get('/slow', (_request, reply) => {
    reply.hijack();
    waitingIn(slow, parts)(undefined, reply.raw);
  });
  const { forward } = plan;
  if (forward)
    app.all('/*', async (request, reply) => {
      reply.hijack();
      await forward(request.raw, reply.raw);
    });
  else app.all('/*', recording(parts));
}

const adapterOf = ({ adapter }: Recorder, { onRefusal }: Plan) =>
  fastifyXlink(
    adapter,
    onRefusal
      ? {
          async onRefusal(refusal, _request, reply) {
            const own = onRefusal(refusal);
            if (own instanceof Error) throw own;
            if ('status' in own) reply.code(own.status);
            reply.send(own.body);
          },
        }
      : {},
  ) as never;

const recording =
  ({ calls }: Recorder) =>
  async (request: FastifyRequest, _reply: FastifyReply) => {
    calls.push(callOf(request));
    return { ok: true };
  };

function callOf(request: FastifyRequest): Call {
  const { method, originalUrl: url, headers, body } = request;
  const { auth, agentMessage: message } = request as { auth?: unknown; agentMessage?: AgentMessage };
  const stream = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  return { method, url, headers, body: undefined, stream, auth, authOf: authOf(request), message };
}
