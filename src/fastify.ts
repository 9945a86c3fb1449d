export { authOf } from './adapters/auth-store.js';
export { type FastifyGuard, requireScope, requireThat, requireXlink } from './middleware/fastify/guards.js';
export {
  type FastifyInstance,
  type FastifyOptions,
  type FastifyPlugin,
  type FastifyReply,
  type FastifyRequest,
  fastifyWellKnown,
  fastifyXlink,
} from './middleware/fastify/plugin.js';
export type { CallerCheck } from './middleware/guards.js';
