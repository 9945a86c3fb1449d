export { authOf } from './adapters/auth-store.js';
export { type FastifyGuard, requireScope, requireXlink } from './middleware/fastify/guards.js';
export {
  type FastifyInstance,
  type FastifyOptions,
  type FastifyPlugin,
  type FastifyReply,
  type FastifyRequest,
  fastifyWellKnown,
  fastifyXlink,
} from './middleware/fastify/plugin.js';
